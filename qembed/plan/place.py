"""Offsets for items that live for a while: a search that knows nothing of networks.

Two items that live at the same time must keep certain distances. An item is placed at an end of the
arena or at the end of a forbidden distance to an item that has its place already; what varies is
the order of the items and the choice among those places. There is no chance in it: the same problem
gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

BEAM_WIDTH = 64
"""Partial placements that the thorough search keeps: more find a little more, in more time."""


P = TypeVar("P", bound="Placed")


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


class Placed(Protocol):
    """What an attempt finds: `shrink` needs to know its end."""

    @property
    def peak(self) -> int:
        """End of the highest item."""


def shrink(attempt: Callable[[int], P | None], bound: int, found: P) -> P:
    """Look for the smallest limit for which an attempt succeeds.

    Parameters
    ----------
    attempt : callable
        Takes a limit, returns a placement that keeps it or None.
    bound : int
        No placement can be smaller.
    found : Placed
        A placement to begin with.

    Returns
    -------
    Placed
        The best that was found.
    """
    limit = bound  # it is often reached
    while bound < found.peak:
        better = attempt(limit)
        if better is None:
            bound = limit + 1
        else:
            found = better
        limit = (bound + found.peak) // 2
    return found


def fit(items: Sequence[Item], rules: Sequence[Rule], limit: int) -> list[int] | None:
    """Offsets that keep all rules, every item below `limit`, or None if none were found.

    Parameters
    ----------
    items : sequence of Item
        In the order in which they come to life.
    rules : sequence of Rule
    limit : int
    """
    if any(item.size > limit for item in items):
        return None
    neighbours = _neighbours(len(items), rules)
    for order in _orders(items):
        for choose in (min, max):
            offsets = _greedy(items, neighbours, order, limit, choose)
            if offsets is not None:
                return offsets
    return _beam(items, neighbours, limit)


def _orders(items: Sequence[Item]) -> Iterator[list[int]]:
    indices = list(range(len(items)))
    yield sorted(indices, key=lambda i: -items[i].size)
    yield indices
    yield indices[::-1]


def _neighbours(count: int, rules: Sequence[Rule]) -> list[list[Rule]]:
    """For each item the rules it takes part in, always as the second."""
    neighbours: list[list[Rule]] = [[] for _ in range(count)]
    for rule in rules:
        neighbours[rule.second].append(rule)
        neighbours[rule.first].append(
            Rule(rule.second, rule.first, -rule.above, -rule.below, rule.zero)
        )
    return neighbours


def _greedy(
    items: Sequence[Item],
    neighbours: Sequence[Sequence[Rule]],
    order: Sequence[int],
    limit: int,
    choose: Callable[[list[int]], int],
) -> list[int] | None:
    """Place the items in `order`, each at the lowest or highest free place."""
    offsets = [-1] * len(items)
    for i in order:
        placed = [(offsets[rule.first], rule) for rule in neighbours[i] if offsets[rule.first] >= 0]
        free = _free_places(items[i], placed, limit)
        if not free:
            return None
        offsets[i] = choose(free)
    return offsets


def _beam(
    items: Sequence[Item], neighbours: Sequence[Sequence[Rule]], limit: int
) -> list[int] | None:
    """Place the items as they come to life, keeping many partial placements.

    Two of them that agree on all items with a neighbour still to come are the same. In a chain of
    layers that is one or two items, so nearly everything is tried.
    """
    last = [max((rule.first for rule in rules), default=-1) for rules in neighbours]
    states: dict[tuple[int, ...], tuple[int, ...]] = {(): ()}
    for i, item in enumerate(items):
        following: dict[tuple[int, ...], tuple[int, ...]] = {}
        earlier = [rule for rule in neighbours[i] if rule.first < i]
        alive = [k for k in range(i + 1) if last[k] > i]
        for offsets in states.values():
            placed = [(offsets[rule.first], rule) for rule in earlier]
            for place in _free_places(item, placed, limit):
                extended = (*offsets, place)
                following.setdefault(tuple(extended[k] for k in alive), extended)
        # The middle of the arena is where free room gets lost: prefer its ends.
        ranked = sorted(
            following.items(),
            key=lambda state: sum(
                min(at, limit - at - items[k].size) for k, at in zip(alive, state[0], strict=True)
            ),
        )
        states = dict(ranked[:BEAM_WIDTH])
    return list(next(iter(states.values()))) if states else None


def _free_places(item: Item, placed: Sequence[tuple[int, Rule]], limit: int) -> list[int]:
    """Candidate offsets that keep all distances to the items already placed."""
    align = item.alignment
    top = (limit - item.size) // align * align
    candidates = {0, top}
    for base, rule in placed:
        candidates.add((base + rule.below) // align * align)
        candidates.add(-(-(base + rule.above) // align) * align)
        if rule.zero and base % align == 0:
            candidates.add(base)
    return sorted(
        c
        for c in candidates
        if 0 <= c <= top and all(rule.allows(c - base) for base, rule in placed)
    )
