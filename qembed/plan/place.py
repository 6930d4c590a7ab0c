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


def fit(
    sizes: Sequence[int], rules: Sequence[Rule], limit: int, alignment: int
) -> list[int] | None:
    """Offsets that keep all rules, every item below `limit`, or None if none were found.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of each item, >= 1, in the order in which they come to life.
    rules : sequence of Rule
    limit : int
    alignment : int
        Of every offset.
    """
    if any(size > limit for size in sizes):
        return None
    problem = _Problem(sizes, _neighbours(len(sizes), rules), limit, alignment)
    for order in _orders(sizes):
        for choose in (min, max):
            offsets = _greedy(problem, order, choose)
            if offsets is not None:
                return offsets
    return _beam(problem)


@dataclass(frozen=True, slots=True)
class _Problem:
    """What `fit` is asked; `neighbours` are the rules of each item, always as the second."""

    sizes: Sequence[int]
    neighbours: Sequence[Sequence[Rule]]
    limit: int
    alignment: int


def _orders(sizes: Sequence[int]) -> Iterator[list[int]]:
    indices = list(range(len(sizes)))
    yield sorted(indices, key=lambda i: -sizes[i])
    yield indices
    yield indices[::-1]


def _neighbours(count: int, rules: Sequence[Rule]) -> list[list[Rule]]:
    neighbours: list[list[Rule]] = [[] for _ in range(count)]
    for rule in rules:
        neighbours[rule.second].append(rule)
        neighbours[rule.first].append(
            Rule(rule.second, rule.first, -rule.above, -rule.below, rule.zero)
        )
    return neighbours


def _greedy(
    problem: _Problem, order: Sequence[int], choose: Callable[[list[int]], int]
) -> list[int] | None:
    """Place the items in `order`, each at the lowest or highest free place."""
    offsets = [-1] * len(problem.sizes)
    for i in order:
        free = _free_places(problem, i, offsets)
        if not free:
            return None
        offsets[i] = choose(free)
    return offsets


def _beam(problem: _Problem) -> list[int] | None:
    """Place the items as they come to life, keeping many partial placements.

    Two of them that agree on all items with a neighbour still to come are the same. In a chain of
    layers that is one or two items, so nearly everything is tried.
    """
    count = len(problem.sizes)
    last = [max((rule.first for rule in rules), default=-1) for rules in problem.neighbours]
    states: dict[tuple[int, ...], list[int]] = {(): [-1] * count}
    for i in range(count):
        following: dict[tuple[int, ...], list[int]] = {}
        alive = [k for k in range(i + 1) if last[k] > i]
        for offsets in states.values():
            for place in _free_places(problem, i, offsets):
                extended = [*offsets[:i], place, *offsets[i + 1 :]]
                following.setdefault(tuple(extended[k] for k in alive), extended)
        ranked = sorted(following.items(), key=lambda state: _lost_room(problem, alive, state[0]))
        states = dict(ranked[:BEAM_WIDTH])
    return next(iter(states.values())) if states else None


def _lost_room(problem: _Problem, alive: Sequence[int], offsets: Sequence[int]) -> int:
    """How far the items lie from the nearer end of the arena: in its middle room gets lost."""
    return sum(
        min(at, problem.limit - at - problem.sizes[k]) for k, at in zip(alive, offsets, strict=True)
    )


def _free_places(problem: _Problem, i: int, offsets: Sequence[int]) -> list[int]:
    """Candidate offsets of item i that keep all distances to the items already placed."""
    align = problem.alignment
    top = (problem.limit - problem.sizes[i]) // align * align
    placed = [
        (offsets[rule.first], rule) for rule in problem.neighbours[i] if offsets[rule.first] >= 0
    ]
    candidates = {0, top}
    for base, rule in placed:
        candidates.add((base + rule.below) // align * align)
        candidates.add(-(-(base + rule.above) // align) * align)
        if rule.zero:
            candidates.add(base)
    return sorted(
        c
        for c in candidates
        if 0 <= c <= top and all(rule.allows(c - base) for base, rule in placed)
    )
