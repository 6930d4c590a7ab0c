"""How far an output may lie over a dying input, computed exactly from the order of a kernel.

A kernel's order is written down as step numbers: for every input element the step that reads it
last, for every output element the step that writes it. Within a step reads come before writes.
With ``d = output offset - input offset``, output byte o lies on input byte d + o; so a distance is
unsafe if for some o the byte there is read later than o is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.ir import Shape
from qembed.plan.demand import Overlap

Steps = NDArray[np.int64]
NEVER = -1
"""The step of an element that is not read at all."""


def overlap_of(
    last_read: NDArray[Any],
    written: NDArray[Any],
    itemsizes: tuple[int, int] = (1, 1),
    input: int = 0,
    output: int = 0,
) -> Overlap:
    """Compute the safe distances of one input and one output.

    Parameters
    ----------
    last_read : int ndarray
        For every input element, in memory order, the last step that reads it, or `NEVER`.
    written : int ndarray
        For every output element, in memory order, the step that writes it, >= 0. Written twice:
        the first of the steps.
    itemsizes : (int, int)
        Bytes of an input and of an output element.
    input, output : int
        Positions in the node's lists.

    Returns
    -------
    Overlap
        Exact but for distances between two unsafe ones, of which only 0 is told.
    """
    last = np.repeat(np.asarray(last_read, np.int64).reshape(-1), itemsizes[0])
    first = np.repeat(np.asarray(written, np.int64).reshape(-1), itemsizes[1])
    lowest, highest = _unread_after(last, int(first.max()) + 1)
    at = np.arange(first.size)
    unsafe = highest[first] >= 0  # some input byte is read later than this output byte is written
    if not bool(unsafe.any()):
        return Overlap(input, output, below=0, above=1)
    below = int((lowest[first] - at)[unsafe].min()) - 1
    above = int((highest[first] - at)[unsafe].max()) + 1
    common = min(last.size, first.size)
    zero = bool(np.all(first[:common] >= last[:common]))
    return Overlap(input, output, below, above, zero)


def _unread_after(last: Steps, steps: int) -> tuple[Steps, Steps]:
    """First and last byte (-1: none) that is read after each step from 0 to ``steps - 1``."""
    top = max(int(last.max()), steps) + 1
    lowest, highest = np.full(top, last.size, np.int64), np.full(top, -1, np.int64)
    reads = np.flatnonzero(last >= 0)
    highest[last[reads]] = reads
    lowest[last[reads][::-1]] = reads[::-1]
    lowest = np.minimum.accumulate(lowest[::-1])[::-1]
    highest = np.maximum.accumulate(highest[::-1])[::-1]
    return lowest[1 : steps + 1], highest[1 : steps + 1]


def mapped(shape: Shape, reads: NDArray[Any], written: Steps | None = None) -> Steps:
    """Last reads of a kernel whose output elements each read one input element.

    Parameters
    ----------
    shape : tuple of int
        Of the input.
    reads : int ndarray
        For every output element the index of the input element that it reads, or `NEVER`.
    written : int64 ndarray, optional
        Step of each output element; by default they are computed in memory order.
    """
    sources = reads.reshape(-1)
    steps = np.arange(sources.size) if written is None else written.reshape(-1)
    last = np.full(int(np.prod(shape, dtype=np.int64)), NEVER, np.int64)
    some = sources >= 0
    np.maximum.at(last, sources[some], steps[some])
    return last


def broadcast(shape: Shape, output_shape: Shape) -> Steps:
    """Last reads of an input that NumPy broadcasting expands to the output, in memory order."""
    elements = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    return mapped(shape, np.broadcast_to(elements, output_shape))


def windowed(
    shape: Shape,
    output_shape: Shape,
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int],
    position: Steps,
) -> Steps:
    """Last step at which a sliding window sees each input pixel, shape (N, H, W).

    Parameters
    ----------
    shape, output_shape : tuple of int
        NHWC.
    padding : (int, int)
        Top, left.
    position : int64 ndarray, shape (N, OH, OW)
        When each output pixel is computed.
    """
    last = np.full(shape[:3], NEVER, np.int64)
    for ky, kx in np.ndindex(*window):
        rows, out_rows = _inside(0, ky, shape, output_shape, stride, dilation, padding)
        columns, out_columns = _inside(1, kx, shape, output_shape, stride, dilation, padding)
        seen, by = np.ix_(rows, columns), np.ix_(out_rows, out_columns)
        for image, computed in zip(last, position, strict=True):
            image[seen] = np.maximum(image[seen], computed[by])
    return last


def _inside(
    axis: int,
    tap: int,
    shape: Shape,
    output_shape: Shape,
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Input positions that a tap sees along an axis, and the output positions that look there."""
    outputs = np.arange(output_shape[1 + axis])
    inputs = outputs * stride[axis] - padding[axis] + tap * dilation[axis]
    inside = (inputs >= 0) & (inputs < shape[1 + axis])
    return inputs[inside], outputs[inside]
