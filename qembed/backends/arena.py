"""Places for activations in one piece of memory, for executors that write no tensor twice at once.

The planner of the exporter (`qembed.plan`) also lets outputs lie over inputs; kernels that work on
many samples in any order must not.
"""

from __future__ import annotations

from collections.abc import Mapping

ALIGNMENT = 64


def place(
    spans: Mapping[int, tuple[int, int]], nbytes: Mapping[int, int]
) -> tuple[dict[int, int], int]:
    """Offsets of one sample's activations, largest first, and the size of the arena.

    Parameters
    ----------
    spans : mapping of int to (int, int)
        First and last step that needs each tensor. Two tensors share bytes only if no step needs
        both.
    nbytes : mapping of int to int
        Their sizes; they take whole multiples of `ALIGNMENT`.
    """
    sizes = {i: -(-nbytes[i] // ALIGNMENT) * ALIGNMENT for i in spans}
    offsets: dict[int, int] = {}
    for index in sorted(spans, key=lambda i: (-sizes[i], i)):
        first, last = spans[index]
        taken = sorted(
            (offsets[i], offsets[i] + sizes[i])
            for i in offsets
            if spans[i][0] <= last and first <= spans[i][1]
        )
        offset = 0
        for start, stop in taken:
            if offset + sizes[index] <= start:
                break
            offset = max(offset, stop)
        offsets[index] = offset
    return offsets, max((offsets[i] + sizes[i] for i in offsets), default=0)
