"""Places for the rows of a schedule: every row that lives alone has an address of its own."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.ir import Graph
from qembed.plan.rows import Demands, Life, Schedule, needed_later, row_bytes

TRIES = 24
"""Orders in which the items are placed before the best one is taken."""

Key = tuple[str, int, int]
"""("row", tensor, row), ("whole", tensor, 0), ("scratch", node, 0), ("kept", node, 0) or
("counters", 0, 0)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an item, from its start, that are taken from one step to another."""

    offset: int
    size: int
    life: Life


@dataclass(frozen=True, slots=True)
class Item:
    """What needs one place; `fixed` if that is already known."""

    key: Key
    pieces: tuple[Piece, ...]
    fixed: int | None = None

    @property
    def size(self) -> int:
        """Bytes from its start to its end."""
        return max(piece.offset + piece.size for piece in self.pieces)

    @property
    def first(self) -> int:
        """The step that needs it first."""
        return min(piece.life.first for piece in self.pieces)


def items_of(
    graph: Graph,
    demands: Demands,
    schedule: Schedule,
    fixed: Mapping[int, int],
    interleaved: frozenset[int],
) -> list[Item]:
    """List what a schedule needs places for.

    Parameters
    ----------
    fixed : mapping of int to int
        Offsets of tensors that the nodes behind the schedule read.
    interleaved : frozenset of int
        Tensors whose rows are not runs of bytes: whole from the first row on.
    """
    end = len(schedule.steps)
    whole = needed_later(graph, schedule.stop)
    if not schedule.pushed:
        whole.add(graph.inputs[0])
    items = []
    for tensor, lives in schedule.rows.items():
        size = row_bytes(graph, tensor)
        if tensor in interleaved:
            taken = Life(lives[0].first, lives[-1].last)
            pieces = [Piece(0, graph.tensors[tensor].nbytes, taken)]
        else:
            pieces = [Piece(row * size, size, life) for row, life in enumerate(lives)]
        if tensor in whole:
            items.append(Item(("whole", tensor, 0), tuple(pieces), fixed.get(tensor)))
        else:
            items += [
                Item(("row", tensor, row), (Piece(0, size, piece.life),))
                for row, piece in enumerate(pieces)
            ]
    for n in range(schedule.start, schedule.stop):
        at = [i for i, step in enumerate(schedule.steps) if step.node == n]
        if demands[n].scratch:
            pieces = [Piece(0, demands[n].scratch, Life(i, i)) for i in at]
            items.append(Item(("scratch", n, 0), tuple(pieces)))
        if demands[n].kept:
            kept = Piece(0, demands[n].kept, Life(at[0], at[-1]))
            items.append(Item(("kept", n, 0), (kept,)))
    # Counters start anew behind the last node: they must not lie on what it left.
    for tensor in set(graph.outputs) & set(fixed) - set(schedule.rows):
        left = Piece(0, graph.tensors[tensor].nbytes, Life(end, end))
        items.append(Item(("whole", tensor, 0), (left,), fixed[tensor]))
    counters = Piece(0, 2 * (schedule.stop + 2), Life(-1, end))
    return [*items, Item(("counters", 0, 0), (counters,))]


def least(items: Sequence[Item], end: int) -> int:
    """Bytes that exist at once at the fullest step."""
    taken = np.zeros(end + 3, np.int64)
    for item in items:
        for piece in item.pieces:
            taken[piece.life.first + 1] += piece.size
            taken[piece.life.last + 2] -= piece.size
    return int(np.cumsum(taken).max())


def place(items: Sequence[Item], alignment: int, bound: int) -> tuple[dict[Key, int], int]:
    """Search places: in several orders, each item at the lowest one that is free.

    Parameters
    ----------
    bound : int
        A peak that is good enough.

    Returns
    -------
    dict of Key to int, and the end of the highest item
    """
    best: dict[Key, int] = {}
    peak = 0
    for order in _orders(items):
        offsets, top = _place_in_order(order, alignment)
        if not best or top < peak:
            best, peak = offsets, top
        if peak <= bound:
            break
    return best, peak


def _orders(items: Sequence[Item]) -> list[list[Item]]:
    """Orders worth trying; the random ones are the same every time."""
    draw = random.Random(0)
    large = [i for i in items if len(i.pieces) > 1 or i.key[0] in ("whole", "kept", "counters")]
    rows = sorted((i for i in items if i not in large), key=lambda item: item.first)
    by_size = sorted(large, key=lambda item: -item.size)
    orders = [by_size + rows, sorted(items, key=lambda item: item.first)]
    orders.append(sorted(items, key=lambda item: -item.size))
    orders.append(sorted(items, key=lambda item: (-item.size // 256, item.first)))
    while len(orders) < TRIES:
        jitter = {item.key: item.first + draw.uniform(0, 4 + len(orders)) for item in rows}
        mixed = sorted(by_size, key=lambda item: -item.size * draw.uniform(0.3, 1))
        orders.append(mixed + sorted(rows, key=lambda item: jitter[item.key]))
    return orders


def _place_in_order(items: Sequence[Item], alignment: int) -> tuple[dict[Key, int], int]:
    taken = _Taken()
    offsets: dict[Key, int] = {}
    for item in sorted(items, key=lambda item: item.fixed is None):
        offset = _lowest(item, taken, alignment) if item.fixed is None else item.fixed
        offsets[item.key] = offset
        for piece in item.pieces:
            taken.add(offset + piece.offset, piece.size, piece.life)
    return offsets, taken.top


class _Taken:
    """Bytes that have an owner, as columns: start, end, first step, last step."""

    def __init__(self) -> None:
        self.rows = np.zeros((256, 4), np.int64)
        self.count = 0
        self.top = 0

    def add(self, start: int, size: int, life: Life) -> None:
        if self.count == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[self.count] = start, start + size, life.first, life.last
        self.count += 1
        self.top = max(self.top, start + size)

    def during(self, life: Life) -> NDArray[np.int64]:
        """List starts and ends of what is taken at some time of a life."""
        rows = self.rows[: self.count]
        return rows[(rows[:, 2] <= life.last) & (rows[:, 3] >= life.first), :2]


def _lowest(item: Item, taken: _Taken, alignment: int) -> int:
    """Lowest offset at which no piece of the item meets anything."""
    forbidden = [
        taken.during(piece.life) - [piece.offset + piece.size, piece.offset]
        for piece in item.pieces
    ]
    ranges = np.concatenate(forbidden)  # an offset strictly between the two ends is forbidden
    offset = 0
    for low, high in ranges[np.argsort(ranges[:, 0])].tolist():
        if low >= offset:
            break
        if high > offset:
            offset = -(-high // alignment) * alignment
    return offset
