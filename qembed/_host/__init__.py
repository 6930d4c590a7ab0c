"""Compiled host kernels, one module per operator, and what runs them: see cython_src/."""

from qembed._host.layer_hash import hash32

__all__ = ["hash32"]
