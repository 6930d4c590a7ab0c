"""STRIDED_SLICE and its like (SLICE, SPLIT, SPLIT_V, UNPACK): every n-th value of each axis."""

from __future__ import annotations

from dataclasses import dataclass

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor


@dataclass(frozen=True, slots=True)
class StridedSlice:
    """Parameters of one layer: ``y[i] = x[begin + stride * i]`` on every axis, i < size.

    Attributes
    ----------
    begin : tuple of int
        Position of the first value.
    stride : tuple of int
        Not 0; negative goes backwards.
    size : tuple of int
        Of the output, at least 1.
    """

    begin: tuple[int, ...]
    stride: tuple[int, ...]
    size: Shape


def infer(params: StridedSlice, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    rank = len(x.shape)
    if {len(params.begin), len(params.stride), len(params.size)} != {rank}:
        raise ModelError(f"begin, stride and size must have {rank} values, as {x.shape}")
    for n, begin, stride, size in zip(
        x.shape, params.begin, params.stride, params.size, strict=True
    ):
        last = begin + stride * (size - 1)
        if size < 1 or stride == 0 or not (0 <= begin < n and 0 <= last < n):
            raise ModelError(
                f"{size} values from {begin} in steps of {stride} are not within the {n} there are"
            )
    return [(params.size, x.dtype)]


def reference(params: StridedSlice, x: AnyArray) -> AnyArray:
    """Pick the values of `x`, of any type and shape."""
    ends = [
        begin + stride * size
        for begin, stride, size in zip(params.begin, params.stride, params.size, strict=True)
    ]
    picks = tuple(
        # A backward slice that ends at the first value has no end to name.
        slice(begin, end if end >= 0 else None, stride)
        for begin, end, stride in zip(params.begin, ends, params.stride, strict=True)
    )
    return x[picks].copy()
