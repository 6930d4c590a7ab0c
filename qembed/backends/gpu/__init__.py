"""The GPU form: CUDA kernels of its own, the bytes of the reference.

`source` is the text of all kernels, `records` writes what they read, ``ops/<stem>.py`` says which
kernels an operator takes, `program` what a graph takes, `model` runs it; `device` alone knows CuPy.
"""
