"""Compiled functions: the density of every model, and the integrals of the likelihood of counts."""

from secondline.inference.kernels.compiled_code import check_what_is_kept

check_what_is_kept()
