"""Which nodes to run row by row, and where their rows lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qembed.ir import Graph
from qembed.plan.row_places import Key, items_of, least, place
from qembed.plan.rows import Demands, Group, Schedule, row_bytes, row_count, schedule

LONGEST_GROUP = 16
"""Nodes that the search lets run interleaved: longer groups take it long, and need more."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows of a tensor lie: row r at ``base + unit * (table[r] if table else r)``."""

    base: int
    unit: int
    table: tuple[int, ...] = ()

    def at(self, row: int) -> int:
        """Offset of a row in the arena."""
        return self.base + self.unit * (self.table[row] if self.table else row)


@dataclass(frozen=True, slots=True)
class Stream:
    """The part of a plan that runs row by row.

    Attributes
    ----------
    schedule : Schedule
    demands : mapping of int to RowDemand
        Of its nodes.
    places : mapping of int to Places
        Of every tensor that lives meanwhile.
    scratch, kept : mapping of int to int
        By node: offset of its working memory, and of what it keeps between its steps.
    counters : int
        Offset of 16-bit counters: steps done, rows pushed, steps done of each node.
    arena_bytes : int
    lower_bound : int
        No places for this schedule can be less.
    """

    schedule: Schedule
    demands: Demands
    places: Mapping[int, Places]
    scratch: Mapping[int, int]
    kept: Mapping[int, int]
    counters: int
    arena_bytes: int
    lower_bound: int


def place_stream(
    graph: Graph,
    demands: Demands,
    planned: Schedule,
    fixed: Mapping[int, int],
    interleaved: Mapping[int, int],
    alignment: int,
) -> Stream:
    """Find places for everything that a schedule needs.

    Parameters
    ----------
    fixed : mapping of int to int
        Offsets of tensors that are known already.
    interleaved : mapping of int to int
        For tensors whose rows are not runs of bytes, from one row to the next.
    """
    items = items_of(graph, demands, planned, fixed, frozenset(interleaved))
    bound = least(items, len(planned.steps))
    offsets, peak = place(items, alignment, bound)
    places = {}
    for tensor in planned.rows:
        if ("whole", tensor, 0) in offsets:
            unit = interleaved.get(tensor, row_bytes(graph, tensor))
            places[tensor] = Places(offsets["whole", tensor, 0], unit)
        else:
            rows = [offsets["row", tensor, row] for row in range(row_count(graph, tensor))]
            table = tuple((at - min(rows)) // alignment for at in rows)
            places[tensor] = Places(min(rows), alignment, table)
    return Stream(
        planned,
        demands,
        places,
        scratch=_of_nodes("scratch", offsets),
        kept=_of_nodes("kept", offsets),
        counters=offsets["counters", 0, 0],
        arena_bytes=-(-peak // alignment) * alignment,
        lower_bound=bound,
    )


def _of_nodes(kind: str, offsets: Mapping[Key, int]) -> dict[int, int]:
    return {key[1]: at for key, at in offsets.items() if key[0] == kind}


@dataclass(frozen=True, slots=True)
class Option:
    """Nodes 0 to `stop` - 1 in groups, and about how many bytes that takes."""

    stop: int
    groups: tuple[Group, ...]
    size: int


def options(graph: Graph, demands: Demands, after: Sequence[int], pushed: bool) -> list[Option]:
    """For every number of streamed nodes the groups that need the least, exact but for gaps.

    Parameters
    ----------
    demands : mapping of int to RowDemand
        Of the nodes from 0 on that can run row by row.
    after : sequence of int
        For each number of streamed nodes what the others need.
    """
    best = [Option(0, (), 0)]
    for stop in range(1, len(demands) + 1):
        ways = []
        for start in range(max(0, stop - LONGEST_GROUP), stop):
            size = max(best[start].size, _group_size(graph, demands, (start, stop), pushed))
            ways.append(Option(stop, (*best[start].groups, (start, stop)), size))
        best.append(min(ways, key=lambda option: (option.size, len(option.groups))))
    return [Option(o.stop, o.groups, max(o.size, after[o.stop])) for o in best[1:]]


def _group_size(graph: Graph, demands: Demands, group: Group, pushed: bool) -> int:
    planned = schedule(graph, demands, [group], pushed)
    items = items_of(graph, demands, planned, {}, frozenset())
    return least(items, len(planned.steps))
