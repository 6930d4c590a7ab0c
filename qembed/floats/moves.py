"""Operators that move values without looking at them: parameters are those of `qembed.ops`."""

from __future__ import annotations

from typing import Any

import numpy as np

from qembed.floats import _lower
from qembed.ir import AnyArray
from qembed.ops.broadcast_to import BroadcastTo
from qembed.ops.concatenation import Concatenation
from qembed.ops.gather import Gather
from qembed.ops.mirror_pad import MirrorPad
from qembed.ops.reshape import Reshape
from qembed.ops.strided_slice import StridedSlice
from qembed.ops.transpose import Transpose
from qembed.tflite.reader import Operator, Value


def reshape(params: Reshape, x: AnyArray) -> AnyArray:
    """Give every sample another shape."""
    return x.reshape(len(x), *params.shape)


def lower_reshape(params: Reshape, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one RESHAPE."""
    shape = _lower.integers(f"{output.name}/shape", params.shape)
    return [_lower.operator("RESHAPE", [*inputs, shape], [output], new_shape=params.shape)]


def transpose(params: Transpose, x: AnyArray) -> AnyArray:
    """Reorder the axes of every sample."""
    order = (0, *(axis + 1 for axis in params.permutation))
    return np.ascontiguousarray(np.transpose(x, order))


def lower_transpose(params: Transpose, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one TRANSPOSE."""
    order = _lower.integers(f"{output.name}/permutation", params.permutation)
    return [_lower.operator("TRANSPOSE", [*inputs, order], [output])]


def concatenation(params: Concatenation, *inputs: AnyArray) -> AnyArray:
    """Join the inputs of every sample."""
    return np.concatenate(inputs, axis=params.axis + 1)


def lower_concatenation(
    params: Concatenation, inputs: list[Value], output: Value
) -> list[Operator]:
    """Return one CONCATENATION."""
    return [_lower.operator("CONCATENATION", list(inputs), [output], axis=params.axis)]


def strided_slice(params: StridedSlice, x: AnyArray) -> AnyArray:
    """Pick values of every sample."""
    picks: list[Any] = [slice(None)]
    for begin, stride, size in zip(params.begin, params.stride, params.size, strict=True):
        end = begin + stride * size
        picks.append(slice(begin, end if end >= 0 else None, stride))
    return np.ascontiguousarray(x[tuple(picks)])


def lower_strided_slice(params: StridedSlice, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one STRIDED_SLICE; a backward one that ends at the first value has no end to name."""
    ends, end_mask = [], 0
    for axis, (begin, stride, size) in enumerate(
        zip(params.begin, params.stride, params.size, strict=True)
    ):
        end = begin + stride * size
        end_mask |= (end < 0) << axis
        ends.append(max(end, 0))
    lists = [
        _lower.integers(f"{output.name}/{what}", numbers)
        for what, numbers in (("begin", params.begin), ("end", ends), ("stride", params.stride))
    ]
    return [_lower.operator("STRIDED_SLICE", [*inputs, *lists], [output], end_mask=end_mask)]


def gather(params: Gather, x: AnyArray) -> AnyArray:
    """Pick slices of every sample."""
    return np.take(x, params.indices, axis=params.axis + 1)


def lower_gather(params: Gather, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one GATHER."""
    indices = _lower.integers(f"{output.name}/indices", params.indices)
    return [_lower.operator("GATHER", [*inputs, indices], [output], axis=params.axis)]


def mirror_pad(params: MirrorPad, x: AnyArray) -> AnyArray:
    """Surround every sample with its reflection."""
    mode: Any = "symmetric" if params.repeat_edge else "reflect"
    return np.pad(x, ((0, 0), *params.padding), mode=mode)


def lower_mirror_pad(params: MirrorPad, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one MIRROR_PAD."""
    edges = _lower.integers(f"{output.name}/padding", params.padding)
    mode = "SYMMETRIC" if params.repeat_edge else "REFLECT"
    return [_lower.operator("MIRROR_PAD", [*inputs, edges], [output], mode=mode)]


def broadcast_to(params: BroadcastTo, x: AnyArray) -> AnyArray:
    """Repeat every sample to another shape."""
    missing = len(params.shape) + 1 - x.ndim
    aligned = x.reshape(len(x), *(1,) * missing, *x.shape[1:])
    return np.broadcast_to(aligned, (len(x), *params.shape)).copy()


def lower_broadcast_to(params: BroadcastTo, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one BROADCAST_TO."""
    shape = _lower.integers(f"{output.name}/shape", params.shape)
    return [_lower.operator("BROADCAST_TO", [*inputs, shape], [output])]
