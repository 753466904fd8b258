"""Figures and the report, made from the tables alone."""
