"""Compiled functions: the density of every model, and the integrals of the likelihood of counts."""

from secondline.inference.kernels.compiled_code import set_up_compiled_code

set_up_compiled_code()
