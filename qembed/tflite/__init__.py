"""The TensorFlow Lite file format: what it says, read and written as plain values.

`reader.parse` and `writer.write` are inverses on `reader.File`; neither knows what any operator
computes.
"""
