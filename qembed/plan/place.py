"""Offsets for items that live for a while: a search that knows nothing of networks.

Two items that live at the same time must keep certain distances. The search places one item after
the other at the ends of the forbidden distances; what varies is the order of the items and the end
that is taken. All randomness is seeded: the same problem gives the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """Something to place: `size` bytes, >= 1, at a multiple of `alignment`."""

    size: int
    alignment: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Forbidden: ``below < offset[second] - offset[first] < above``, save 0 if `zero`."""

    first: int
    second: int
    below: int
    above: int
    zero: bool = False

    def allows(self, distance: int) -> bool:
        """Whether the second item may lie `distance` bytes after the first."""
        return distance <= self.below or distance >= self.above or (self.zero and distance == 0)


Neighbours = list[list[Rule]]


def place(
    items: Sequence[Item], rules: Sequence[Rule], bound: int, effort: int = 200
) -> tuple[list[int], int]:
    """Find offsets with a small peak.

    Parameters
    ----------
    items, rules
    bound : int
        No placement can be smaller: the search stops when it gets there.
    effort : int
        Attempts for each limit that is tried.

    Returns
    -------
    offsets, peak : list of int, int
        `peak` is the end of the highest item.
    """
    neighbours = _neighbours(len(items), rules)
    best = _lowest_fits(items, neighbours)
    peak = _peak(items, best)
    low = bound
    while low < peak:
        # The bound itself is often reached, so it is tried first; then halve what is left.
        limit = low if low == bound else (low + peak) // 2
        found = fit(items, neighbours, limit, effort)
        if found is None:
            low = limit + 1
        else:
            best, peak = found, _peak(items, found)
    return best, peak


def fit(items: Sequence[Item], neighbours: Neighbours, limit: int, effort: int) -> list[int] | None:
    """Offsets with every item below `limit`, or None if `effort` attempts found none."""
    if any(item.size > limit for item in items):
        return None
    rng = random.Random(0)
    by_size = sorted(range(len(items)), key=lambda i: -items[i].size)
    for attempt in range(effort):
        if attempt < 2:
            order = by_size
        elif attempt < 4:
            order = list(range(len(items)))
        else:
            noise = [rng.uniform(0.4, 1.6) for _ in items]
            order = sorted(range(len(items)), key=lambda i: -items[i].size * noise[i])
        up = 0.5 if attempt >= 4 else float(attempt % 2)
        offsets = _attempt(items, neighbours, order, limit, up, rng)
        if offsets is not None:
            return offsets
    return None


def _neighbours(count: int, rules: Sequence[Rule]) -> Neighbours:
    """For each item the rules it takes part in, always as the second."""
    neighbours: Neighbours = [[] for _ in range(count)]
    for rule in rules:
        neighbours[rule.second].append(rule)
        neighbours[rule.first].append(
            Rule(rule.second, rule.first, -rule.above, -rule.below, rule.zero)
        )
    return neighbours


def _lowest_fits(items: Sequence[Item], neighbours: Neighbours) -> list[int]:
    """Best of a few plain orders, each item at its lowest free place: never fails."""
    limit = sum(item.size + item.alignment for item in items)
    orders = (
        sorted(range(len(items)), key=lambda i: -items[i].size),
        list(range(len(items))),
        list(range(len(items)))[::-1],
    )
    placed = [_attempt(items, neighbours, order, limit, 0.0, random.Random(0)) for order in orders]
    return min((p for p in placed if p is not None), key=lambda p: _peak(items, p))


def _attempt(
    items: Sequence[Item],
    neighbours: Neighbours,
    order: Sequence[int],
    limit: int,
    up: float,
    rng: random.Random,
) -> list[int] | None:
    """Place the items in `order`; each goes to its highest place with probability `up`."""
    offsets = [-1] * len(items)
    for i in order:
        free = _free_places(items[i], neighbours[i], offsets, limit)
        if not free:
            return None
        offsets[i] = max(free) if rng.random() < up else min(free)
    return offsets


def _free_places(
    item: Item, rules: Sequence[Rule], offsets: Sequence[int], limit: int
) -> list[int]:
    """Candidate offsets that keep all distances to the items already placed."""
    top = (limit - item.size) // item.alignment * item.alignment
    placed = [(offsets[rule.first], rule) for rule in rules if offsets[rule.first] >= 0]
    candidates = {0, top}
    for base, rule in placed:
        candidates.add((base + rule.below) // item.alignment * item.alignment)
        candidates.add(-(-(base + rule.above) // item.alignment) * item.alignment)
        if rule.zero and base % item.alignment == 0:
            candidates.add(base)
    return [
        c
        for c in candidates
        if 0 <= c <= top and all(rule.allows(c - base) for base, rule in placed)
    ]


def _peak(items: Sequence[Item], offsets: Sequence[int]) -> int:
    return max((o + item.size for o, item in zip(offsets, items, strict=True)), default=0)
