"""Compiled host kernels, one module per operator: see cython_src/."""
