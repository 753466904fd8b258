"""From study sheets to the evidence of each fit: derivation, selection, audit."""
