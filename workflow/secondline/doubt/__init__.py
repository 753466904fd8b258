"""How far an answer can be trusted: other defensible analyses, thresholds, bias, overlap, and the next study."""
