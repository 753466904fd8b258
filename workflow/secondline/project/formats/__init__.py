"""Formats of tables of evidence: one module per format, all behind one interface."""
