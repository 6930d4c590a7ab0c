"""Average and largest value of windows; padding is not counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.floats import _activation, _lower, _windows
from qembed.ir import AnyArray, DType, Padding2D, Shape, Tensor
from qembed.ops._check import require_window_overlap
from qembed.ops._windows import output_size, pad, tap
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True)
class Pool:
    """Parameters of one layer.

    Attributes
    ----------
    function : str
        "average" or "max".
    window, stride : (int, int)
        Height, width; in pixels.
    padding : Padding2D
    activation : str
    """

    function: str
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding2D
    activation: str = "NONE"


def infer(params: Pool, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    _activation.require_known(params.activation)
    if params.function not in ("average", "max"):
        raise ModelError(f"'{params.function}' is neither average nor max")
    size = output_size(x.shape, params.window, params.stride, (1, 1), params.padding)
    require_window_overlap(x.shape, params.window, params.padding)
    return [((x.shape[0], *size, x.shape[3]), "float32")]


def forward(params: Pool, x: AnyArray) -> AnyArray:
    """Run a batch, one window position at a time: (B, N, H, W, C) to (B, N, OH, OW, C)."""
    pictures = _windows.images(x)
    size = output_size(pictures.shape, params.window, params.stride, (1, 1), params.padding)
    total = _gather(params, pictures, size)
    if params.function == "average":
        ones = np.ones((1, *pictures.shape[1:3], 1), np.float32)
        total /= _gather(params, ones, size)
    shape = (*x.shape[:2], *size, x.shape[-1])
    return _activation.activate(total, params.activation).reshape(shape)


def _gather(params: Pool, x: AnyArray, size: tuple[int, int]) -> AnyArray:
    largest = params.function == "max"
    edges = ((0, 0), *params.padding, (0, 0))
    padded = np.pad(x, edges, constant_values=-np.inf) if largest else pad(x, params.padding, 0)
    gather = np.maximum if largest else np.add
    y = np.full((len(x), *size, x.shape[3]), -np.inf if largest else 0.0, np.float32)
    for at in np.ndindex(*params.window):
        gather(y, tap(padded, at, size, params.stride, (1, 1)), out=y)
    return y


def lower(params: Pool, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one pool; before a max whose padding has no name, a PADV2 of the lowest value."""
    (x,) = inputs
    before: list[Operator] = []
    scheme = _lower.named_padding(x.shape, params.window, params.stride, (1, 1), params.padding)
    if scheme is None and params.function == "average":
        raise UnsupportedError(f"average pooling with padding {params.padding} has no operator")
    if scheme is None:
        step, x = _lower.padded_with(x, ((0, 0), *params.padding, (0, 0)), -np.inf)
        before, scheme = [step], "VALID"
    layer = _lower.operator(
        "AVERAGE_POOL_2D" if params.function == "average" else "MAX_POOL_2D",
        [x],
        [output],
        padding=scheme,
        stride_h=params.stride[0],
        stride_w=params.stride[1],
        filter_h=params.window[0],
        filter_w=params.window[1],
        activation=params.activation,
    )
    return [*before, layer]
