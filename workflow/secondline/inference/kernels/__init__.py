"""Compiled functions: the density of every model, and the integrals of the likelihood of counts."""
