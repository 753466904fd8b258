"""From posterior draws to relative effects, rankings and their tables."""
