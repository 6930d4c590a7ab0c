"""Which overlaps of input and output portable kernels tolerate, from the order of their loops."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from qembed.export.lowering import Lowering, Value
from qembed.ir import Padding2D, Shape, Tensor
from qembed.plan import Overlap
from qembed.plan.overlap import NEVER, broadcast, overlap_of, windowed


def element_wise(inputs: Sequence[Tensor], output: Tensor) -> tuple[Overlap, ...]:
    """Overlaps of a kernel that computes output values in memory order, operands broadcast."""
    written = np.arange(math.prod(output.shape))
    return tuple(
        overlap_of(broadcast(x.shape, output.shape), written, _itemsizes(x, output), input=i)
        for i, x in enumerate(inputs)
    )


def by_rows(rows: int, inputs: int, outputs: int, itemsize: int) -> tuple[Overlap, ...]:
    """Overlaps of a kernel that reads a row of inputs for each output of that row, in order."""
    last_read = np.repeat(np.arange(rows) * outputs + outputs - 1, inputs)
    return (overlap_of(last_read, np.arange(rows * outputs), (itemsize, itemsize)),)


def reduced(x: Tensor, axes: Sequence[int]) -> tuple[Overlap, ...]:
    """Overlaps of a kernel that reduces axes, one output after the other in memory order."""
    kept = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    written = np.arange(math.prod(kept))
    last_read = np.broadcast_to(written.reshape(kept), x.shape)
    itemsize = np.dtype(x.dtype).itemsize
    return (overlap_of(last_read, written, (itemsize, itemsize)),)


def sliding_both_ways(
    lowering: Lowering,
    x: Tensor,
    y: Tensor,
    window: tuple[int, int],
    stride: tuple[int, int],
    padding: Padding2D,
    dilation: tuple[int, int] = (1, 1),
    depth: int = 1,
    group_outputs: int = 1,
) -> Lowering:
    """Give a kernel with a `qe_geometry` its two traversals: forward and backward.

    Parameters
    ----------
    lowering : Lowering
        Forward.
    window, stride, padding, dilation
        As in its geometry.
    depth, group_outputs : int
        Input channels ``g * depth`` onwards are read for output channels ``g * group_outputs``
        onwards.
    """
    backward: Mapping[str, Value] = {
        **lowering.fields,
        "geometry": {**_geometry(lowering), "backward": 1},
    }
    itemsize = np.dtype(x.dtype).itemsize
    both = [
        (
            _sliding(
                *(x.shape, y.shape, window, stride, padding, dilation, depth, group_outputs),
                itemsize=itemsize,
                backward=backward,
            ),
        )
        for backward in (False, True)
    ]
    other = replace(lowering, traversal="backward", fields=backward, overlaps=both[1])
    return replace(lowering, overlaps=both[0], others=(other,))


@lru_cache(maxsize=512)
def _sliding(
    shape: Shape,
    output_shape: Shape,
    window: tuple[int, int],
    stride: tuple[int, int],
    padding: Padding2D,
    dilation: tuple[int, int],
    depth: int,
    group_outputs: int,
    *,
    itemsize: int,
    backward: bool,
) -> Overlap:
    """Overlap of a kernel that computes output pixels in order, and their channels in order."""
    channels = output_shape[3]
    position = np.arange(math.prod(output_shape[:3])).reshape(output_shape[:3])
    if backward:
        position = position[::-1, ::-1, ::-1]
    corner = (padding[0][0], padding[1][0])
    last = windowed(shape, output_shape, window, stride, dilation, corner, position)[..., None]
    last_channel = (np.arange(shape[3]) // depth + 1) * group_outputs - 1
    last_read = np.where(last == NEVER, NEVER, last * channels + last_channel)
    written = position[..., None] * channels + np.arange(channels)
    return overlap_of(last_read, written, (itemsize, itemsize))


def _geometry(lowering: Lowering) -> Mapping[str, Value]:
    geometry = lowering.fields["geometry"]
    assert isinstance(geometry, Mapping)
    return geometry


def _itemsizes(x: Tensor, y: Tensor) -> tuple[int, int]:
    return np.dtype(x.dtype).itemsize, np.dtype(y.dtype).itemsize
