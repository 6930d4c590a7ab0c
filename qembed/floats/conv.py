"""Convolution of NHWC images: OHWI weights, groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.floats import _activation, _lower, _windows
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops._windows import output_size
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """Parameters of one layer. G = C / I groups; output channel o belongs to group o // (O / G).

    Attributes
    ----------
    weights : float32 ndarray, shape (O, KH, KW, I)
    bias : float32 ndarray, shape (O,)
    stride, dilation : (int, int)
        Height, width; in pixels.
    padding : Padding2D
        Padded positions are zero.
    activation : str
        A key of `qembed.numerics.ACTIVATION_LIMITS`.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: tuple[int, int]
    padding: Padding2D
    dilation: tuple[int, int] = (1, 1)
    activation: str = "NONE"


def infer(params: Conv, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    _windows.require_layer(params.weights, params.bias, 4, len(params.bias))
    _activation.require_known(params.activation)
    out_c, kh, kw, in_c = params.weights.shape
    size = output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    if out_c != len(params.bias) or x.shape[3] % in_c or out_c % (x.shape[3] // in_c):
        raise ModelError(f"weights {params.weights.shape} do not fit {x.shape[3]} input channels")
    return [((x.shape[0], *size, out_c), "float32")]


def unfold(params: Conv, x: AnyArray) -> AnyArray:
    """Return what the output pixels of images (N, H, W, C) see: (G, pixels, KH * KW * I)."""
    _, kh, kw, in_c = params.weights.shape
    seen = _windows.columns(x, (kh, kw), params.stride, params.dilation, params.padding)
    groups = x.shape[3] // in_c
    if groups == 1:
        return seen.reshape(1, -1, kh * kw * in_c)
    split = seen.reshape(-1, kh * kw, groups, in_c).transpose(2, 0, 1, 3)
    return split.reshape(groups, -1, kh * kw * in_c)


def matrix(params: Conv, groups: int) -> AnyArray:
    """Return the weights as matrices to multiply what `unfold` returns: (G, O / G, KH * KW * I)."""
    return params.weights.reshape(groups, params.weights.shape[0] // groups, -1)


def restored(params: Conv, rows: AnyArray) -> AnyArray:
    """Return matrices of weights in the layout of the parameters."""
    return rows.reshape(params.weights.shape)


def forward(params: Conv, x: AnyArray) -> AnyArray:
    """Run a batch: (B, N, H, W, C) to (B, N, OH, OW, O)."""
    pictures = _windows.images(x)
    out_c, kh, kw, in_c = params.weights.shape
    size = output_size(pictures.shape, (kh, kw), params.stride, params.dilation, params.padding)
    groups = pictures.shape[3] // in_c
    weights = matrix(params, groups).transpose(0, 2, 1)
    y = np.empty((len(pictures), *size, out_c), np.float32)
    for block in _windows.blocks(len(pictures), 4 * size[0] * size[1] * kh * kw * x.shape[-1]):
        product = unfold(params, pictures[block]) @ weights
        y[block] = product.transpose(1, 0, 2).reshape(-1, *size, out_c)
    y += params.bias
    return _activation.activate(y, params.activation).reshape(*x.shape[:2], *size, out_c)


def stored(params: Conv) -> AnyArray:
    """Weights in the layout of the file: OHWI."""
    return params.weights


def lower(params: Conv, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one CONV_2D, a PAD before it where the padding has no name."""
    x, w, b = inputs
    kernel = (params.weights.shape[1], params.weights.shape[2])
    before, x, scheme = _lower.window(x, kernel, params.stride, params.dilation, params.padding)
    layer = _lower.operator(
        "CONV_2D",
        [x, w, b],
        [output],
        padding=scheme,
        stride_h=params.stride[0],
        stride_w=params.stride[1],
        dilation_h=params.dilation[0],
        dilation_w=params.dilation[1],
        activation=params.activation,
    )
    return [*before, layer]
