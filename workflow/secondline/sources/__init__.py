"""Every figure of the sheets against the user's own copies of the papers."""
