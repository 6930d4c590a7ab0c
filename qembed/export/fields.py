"""Parameter structs that several kernels share, as values: see the headers of the same names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qembed.arithmetic import ROUNDINGS, Requantization
from qembed.errors import UnsupportedError
from qembed.export.lowering import CArray, Value
from qembed.ir import AnyArray, Padding2D, Shape, Tensor
from qembed.ops.log_softmax import LogSoftmax
from qembed.ops.softmax import Softmax

SUFFIX = {"int8": "s8", "int16": "s16", "int32": "s32"}
"""How a kernel's name says the type of its activations."""

NUMBER = {"int8": 0, "uint8": 1, "int16": 2, "int32": 3}
"""QE_INT8, ... of qe_number.h."""

Fields = dict[str, Value]


def geometry(
    input_shape: Shape,
    output_shape: Shape,
    window: tuple[int, int],
    stride: tuple[int, int],
    padding: Padding2D,
    dilation: tuple[int, int] = (1, 1),
    backward: bool = False,
) -> Fields:
    """`qe_geometry` of a window sliding over an NHWC image."""
    return {
        "batch": input_shape[0],
        "input": dict(zip("hwc", input_shape[1:], strict=True)),
        "output": dict(zip("hwc", output_shape[1:], strict=True)),
        "window": dict(zip("hw", window, strict=True)),
        "stride": dict(zip("hw", stride, strict=True)),
        "dilation": dict(zip("hw", dilation, strict=True)),
        "padding": {"h": padding[0][0], "w": padding[1][0]},
        "backward": int(backward),
    }


def output_stage(
    bias: AnyArray,
    requantization: Requantization,
    zero_point: int,
    activation_range: tuple[int, int],
) -> Fields:
    """`qe_output_stage` of a layer that sums products."""
    return {
        **biases(bias),
        "multiplier": CArray("multiplier", "int32_t", requantization.multiplier, rom=True),
        "shift": CArray("shift", "int8_t", requantization.shift.astype(np.int8), rom=True),
        "channel_step": int(requantization.multiplier.size > 1),
        "rounding": ROUNDINGS.index(requantization.rounding),
        "zero_point": zero_point,
        "activation_min": activation_range[0],
        "activation_max": activation_range[1],
    }


def biases(bias: AnyArray, owner: str = "") -> Fields:
    """`bias` and `bias_high`: both halves of int64 where these are needed; arrays of `owner`."""
    low = bias.astype(np.int64).astype(np.int32)  # wraps: the lower half
    high = (bias.astype(np.int64) >> 32).astype(np.int32)
    fits = bool(np.array_equal(low, bias))
    return {
        "bias": CArray(f"{owner}bias", "int32_t", low, rom=True),
        "bias_high": None if fits else CArray(f"{owner}bias_high", "int32_t", high, rom=True),
    }


def scale(requantization: Requantization | None) -> Fields:
    """`qe_scale` of a requantization of one channel; None where the kernel does not use it."""
    if requantization is None:
        return {"multiplier": 0, "shift": 0, "rounding": 0}
    return {
        "multiplier": int(requantization.multiplier[0]),
        "shift": int(requantization.shift[0]),
        "rounding": ROUNDINGS.index(requantization.rounding),
    }


def weights(values: AnyArray, bits: int) -> CArray:
    """Weights of any shape, 8-bit or packed: two in a byte, the one of even index in the low half.

    Parameters
    ----------
    values : int8 ndarray
        In [-8, 7] if `bits` is 4.
    """
    if bits == 8:
        return CArray("weights", "int8_t", values, rom=True)
    flat = values.reshape(-1)
    pairs = np.append(flat, np.zeros(flat.size % 2, np.int8)).reshape(-1, 2).view(np.uint8)
    packed = (pairs[:, 0] & 15 | pairs[:, 1] << 4).view(np.int8)
    return CArray("weights", "int8_t", packed, rom=True)


def walks(names: Sequence[str], shape: Shape, strides: Sequence[Sequence[int]]) -> list[Fields]:
    """`qe_walk` through several arrays side by side, with as few and as long runs as possible.

    Parameters
    ----------
    names : sequence of str
        One per array, C identifiers: prefixes of their constant arrays.
    shape : tuple of int
        Common extents; outermost first.
    strides : sequence of sequence of int
        Of each array, in elements, one per axis; 0 where it is broadcast.
    """
    axes = [(n, of) for n, *of in zip(shape, *strides, strict=True) if n > 1]
    merged: list[tuple[int, list[int]]] = [axes.pop()] if axes else [(1, [1] * len(strides))]
    for extent, outer in reversed(axes):
        inner_extent, inner = merged[-1]
        if outer == [stride * inner_extent for stride in inner]:
            merged[-1] = (extent * inner_extent, inner)
        else:
            merged.append((extent, outer))
    run, *rest = merged
    rest.reverse()
    extents = [n for n, _ in rest]
    return [
        {
            "rank": len(rest),
            "extents": indices(f"{name}_extents", extents),
            "steps": indices(f"{name}_steps", _steps(extents, [of[i] for _, of in rest])),
            "run": run[0],
            "run_stride": run[1][i],
        }
        for i, name in enumerate(names)
    ]


def pair(inputs: Sequence[Tensor], output: Tensor) -> Fields:
    """`qe_pair` of two operands that are broadcast."""
    walk1, walk2 = broadcast_walks(["walk1", "walk2"], [x.shape for x in inputs], output.shape)
    return {"walk1": walk1, "walk2": walk2}


def broadcast_walks(names: Sequence[str], shapes: Sequence[Shape], output: Shape) -> list[Fields]:
    """`qe_walk` through operands, in the order of the output they are broadcast to."""
    strides = [broadcast_strides(shape, output) for shape in shapes]
    return walks(names, output, strides)


def broadcast_strides(shape: Shape, output: Shape) -> list[int]:
    """Strides of an operand along the axes of the output it is broadcast to; 0 where it repeats."""
    dense = [0 if n == 1 else s for n, s in zip(shape, dense_strides(shape), strict=True)]
    return [0] * (len(output) - len(shape)) + dense


def reduction_walks(shape: Shape, axes: tuple[int, ...]) -> tuple[Fields, Fields]:
    """`qe_walk` from output to output, and through the values that `axes` reduce to one."""
    strides = dense_strides(shape)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    over_kept, over_reduced = (
        walks([name], tuple(shape[i] for i in chosen), [[strides[i] for i in chosen]])[0]
        for name, chosen in (("kept", kept), ("reduced", axes))
    )
    return over_kept, over_reduced


def exponents(count: int, params: Softmax | LogSoftmax) -> Fields:
    """`qe_exponents` of rows of `count` values."""
    return {
        "count": count,
        "multiplier": params.multiplier,
        "shift": params.shift,
        "diff_min": params.diff_min,
    }


def positions(suffix: str, values: AnyArray) -> CArray:
    """Positions in an image, in 16 bits."""
    if int(values.max()) > np.iinfo(np.uint16).max:
        raise UnsupportedError(f"an image of more than {1 << 16} rows or columns cannot be resized")
    return CArray(suffix, "uint16_t", values.astype(np.uint16))


def item_bytes(tensor: Tensor) -> int:
    """Bytes of one value."""
    return np.dtype(tensor.dtype).itemsize


def dense_strides(shape: Shape) -> list[int]:
    """Strides of an array in C order, in elements."""
    return [int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]


def indices(suffix: str, values: Sequence[int]) -> CArray | None:
    """Constant indices; NULL where there are none."""
    return CArray(suffix, "int32_t", np.array(values, np.int32)) if values else None


def _steps(extents: Sequence[int], strides: Sequence[int]) -> list[int]:
    """How far the next run is when an axis advances and all behind it return to 0."""
    back = [(n - 1) * stride for n, stride in zip(extents, strides, strict=True)]
    return [stride - sum(back[axis + 1 :]) for axis, stride in enumerate(strides)]
