"""Depthwise convolution: every input channel has filters of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.floats import _activation, _lower, _windows
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops._windows import output_size, pad, tap
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True, eq=False)
class DepthwiseConv:
    """Parameters of one layer: output channel o reads input channel o // M, M = O / C.

    Attributes
    ----------
    weights : float32 ndarray, shape (KH, KW, O)
    bias : float32 ndarray, shape (O,)
    stride, padding, dilation, activation
        As in `qembed.floats.conv.Conv`.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: tuple[int, int]
    padding: Padding2D
    dilation: tuple[int, int] = (1, 1)
    activation: str = "NONE"


def infer(params: DepthwiseConv, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    _windows.require_layer(params.weights, params.bias, 3, len(params.bias))
    _activation.require_known(params.activation)
    kh, kw, out_c = params.weights.shape
    size = output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    if out_c != len(params.bias) or out_c % x.shape[3]:
        raise ModelError(f"{out_c} filters do not divide among {x.shape[3]} input channels")
    return [((x.shape[0], *size, out_c), "float32")]


def unfold(params: DepthwiseConv, x: AnyArray) -> AnyArray:
    """Return what the output pixels of images (N, H, W, C) see: (C, pixels, KH * KW)."""
    kernel = (params.weights.shape[0], params.weights.shape[1])
    seen = _windows.columns(x, kernel, params.stride, params.dilation, params.padding)
    return seen.reshape(-1, *seen.shape[3:]).transpose(2, 0, 1)


def matrix(params: DepthwiseConv, groups: int) -> AnyArray:
    """Return the weights as matrices to multiply what `unfold` returns: (C, M, KH * KW)."""
    return params.weights.reshape(-1, groups, params.weights.shape[2] // groups).transpose(1, 2, 0)


def restored(params: DepthwiseConv, rows: AnyArray) -> AnyArray:
    """Return matrices of weights in the layout of the parameters."""
    return rows.transpose(2, 0, 1).reshape(params.weights.shape)


def forward(params: DepthwiseConv, x: AnyArray) -> AnyArray:
    """Run a batch, one window position at a time: (B, N, H, W, C) to (B, N, OH, OW, O)."""
    pictures = _windows.images(x)
    kh, kw, out_c = params.weights.shape
    size = output_size(pictures.shape, (kh, kw), params.stride, params.dilation, params.padding)
    multiplier = out_c // pictures.shape[3]
    y = np.empty((len(pictures), *size, out_c), np.float32)
    for block in _windows.blocks(len(pictures), 64 * size[0] * size[1] * out_c):
        padded = pad(pictures[block], params.padding, 0)
        total = y[block]
        total[:] = params.bias
        for at in np.ndindex(kh, kw):
            seen = tap(padded, at, size, params.stride, params.dilation)
            if multiplier > 1:
                seen = np.repeat(seen, multiplier, axis=-1)
            total += seen * params.weights[at]
    return _activation.activate(y, params.activation).reshape(*x.shape[:2], *size, out_c)


def stored(params: DepthwiseConv) -> AnyArray:
    """Weights in the layout of the file: 1HWO."""
    return params.weights[None]


def lower(params: DepthwiseConv, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one DEPTHWISE_CONV_2D, a PAD before it where the padding has no name."""
    x, w, b = inputs
    channels = x.shape[3]
    kernel = (params.weights.shape[0], params.weights.shape[1])
    before, x, scheme = _lower.window(x, kernel, params.stride, params.dilation, params.padding)
    layer = _lower.operator(
        "DEPTHWISE_CONV_2D",
        [x, w, b],
        [output],
        padding=scheme,
        stride_h=params.stride[0],
        stride_w=params.stride[1],
        dilation_h=params.dilation[0],
        dilation_w=params.dilation[1],
        depth_multiplier=params.weights.shape[2] // channels,
        activation=params.activation,
    )
    return [*before, layer]
