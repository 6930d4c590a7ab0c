"""Import of ONNX (.onnx) files.

`reader` turns the bytes into plain values, `rewrite` into fewer kinds of operators, `convert` goes
through them once. There every tensor of the file stands for a `signals.Signal`: where it is stored,
in which order of axes, and whether its numbers are integers or the real numbers behind them. What
an operator computes is said as an operator of a .tflite file, NHWC; the integers that follow from
scales are made in one place for both formats.
"""
