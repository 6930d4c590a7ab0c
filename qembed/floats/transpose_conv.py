"""Transposed convolution: every input pixel spreads over a window of the output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError, UnsupportedError
from qembed.floats import _activation, _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.numerics import window_padding
from qembed.ops._windows import tap
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True, eq=False)
class TransposeConv:
    """Parameters of one layer.

    Attributes
    ----------
    weights : float32 ndarray, shape (O, KH, KW, I)
    bias : float32 ndarray, shape (O,)
    output_size, stride : (int, int)
        Height, width.
    offset : (int, int)
        Top, left: how far the first window begins before the output. What falls outside is lost.
    activation : str
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    output_size: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]
    activation: str = "NONE"


def infer(params: TransposeConv, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    _windows.require_layer(params.weights, params.bias, 4, len(params.bias))
    _activation.require_known(params.activation)
    if len(x.shape) != 4 or x.shape[3] != params.weights.shape[3]:
        raise ModelError(f"weights {params.weights.shape} do not fit the input {x.shape}")
    if min(*params.output_size, *params.stride) < 1 or min(params.offset) < 0:
        raise ModelError("output size and stride must be at least 1, offset at least 0")
    return [((x.shape[0], *params.output_size, len(params.bias)), "float32")]


def forward(params: TransposeConv, x: AnyArray) -> AnyArray:
    """Run a batch: (B, N, H, W, I) to (B, N, OH, OW, O)."""
    pictures = _windows.images(x)
    out_c, kh, kw, _ = params.weights.shape
    n, h, w, _ = pictures.shape
    (top, left), (rows, columns) = params.offset, params.output_size
    height = max((h - 1) * params.stride[0] + kh, rows + top)
    width = max((w - 1) * params.stride[1] + kw, columns + left)
    spread = np.zeros((n, height, width, out_c), np.float32)
    for at in np.ndindex(kh, kw):
        window = tap(spread, at, (h, w), params.stride, (1, 1))
        window += pictures @ params.weights[:, at[0], at[1], :].T
    y = spread[:, top : top + rows, left : left + columns] + params.bias
    return _activation.activate(y, params.activation).reshape(*x.shape[:2], rows, columns, out_c)


def matrix(params: TransposeConv, groups: int) -> AnyArray:
    """Return the weights of each output channel as a row: (1, O, KH * KW * I)."""
    return params.weights.reshape(1, params.weights.shape[0], -1)


def restored(params: TransposeConv, rows: AnyArray) -> AnyArray:
    """Return rows of weights in the layout of the parameters."""
    return rows.reshape(params.weights.shape)


def stored(params: TransposeConv) -> AnyArray:
    """Weights in the layout of the file: OHWI."""
    return params.weights


def lower(params: TransposeConv, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one TRANSPOSE_CONV; the offset must be that of SAME or VALID."""
    x, w, b = inputs
    kernel = params.weights.shape[1:3]
    for scheme in ("SAME", "VALID"):
        sizes = zip(params.output_size, kernel, params.stride, strict=True)
        offset = tuple(window_padding(scheme, n, k, s, 1)[0] for n, k, s in sizes)
        if offset == params.offset:
            break
    else:
        raise UnsupportedError(f"offset {params.offset} is neither that of SAME nor of VALID")
    layer = _lower.operator(
        "TRANSPOSE_CONV",
        [_lower.integers(f"{output.name}/shape", output.shape), w, x, b],
        [output],
        padding=scheme,
        stride_h=params.stride[0],
        stride_w=params.stride[1],
        activation=params.activation,
    )
    return [layer]
