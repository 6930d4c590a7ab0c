"""Proof that the places of a stream keep every row until its last reader: by running it on owners.

Written without the lives that the places were searched with: every byte of an arena remembers
which row was last written there, and each read must find its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.ir import Graph
from qembed.plan.rows import INPUT, needed_later, row_bytes, row_count, rows_read
from qembed.plan.streaming import Stream

Owners = NDArray[np.int64]


def check_stream(stream: Stream, graph: Graph) -> None:
    """Raise ValueError, naming node and tensor, if a row would be lost before it is read."""
    demands = stream.demands
    owner: Owners = np.full(stream.arena_bytes, -1, np.int64)
    made: set[tuple[int, int]] = set()
    later = needed_later(graph, stream.schedule.stop)

    def write(tensor: int, row: int) -> None:
        for part in _parts(stream, graph, tensor, row):
            owner[part] = _name(tensor, row)
        made.add((tensor, row))

    def require(tensor: int, row: int, reader: str) -> None:
        if (tensor, row) not in made:
            raise ValueError(f"{reader} reads row {row} of '{graph.tensors[tensor].name}' too soon")
        for part in _parts(stream, graph, tensor, row):
            if bool(np.any(owner[part] != _name(tensor, row))):
                raise ValueError(
                    f"row {row} of '{graph.tensors[tensor].name}' is overwritten before {reader}"
                )

    counters = slice(stream.counters, stream.counters + 2 * (stream.schedule.stop + 2))
    owner[counters] = -2
    if not stream.schedule.pushed:
        for row in range(row_count(graph, graph.inputs[0])):
            write(graph.inputs[0], row)
    for step in stream.schedule.steps:
        if step.node == INPUT:
            write(graph.inputs[0], step.index)
            continue
        node, demand = graph.nodes[step.node], demands[step.node]
        kept = _range(stream.kept.get(step.node, 0), demand.kept)
        if demand.folds and step.index and bool(np.any(owner[kept] != -3 - step.node)):
            raise ValueError(f"what '{node.name}' keeps is overwritten")
        owner[kept] = -3 - step.node
        owner[_range(stream.scratch.get(step.node, 0), demand.scratch)] = -1
        last = step.index == row_count(graph, node.inputs[0]) - 1
        if not demand.folds or last:
            write(node.outputs[0], 0 if demand.folds else step.index)
        for source in node.inputs:
            for row in rows_read(graph, demand, source, step.index):
                require(source, row, f"node '{node.name}'")
        if not demand.folds or last:
            require(node.outputs[0], 0 if demand.folds else step.index, f"node '{node.name}'")
    for tensor in later & {t for t, _ in made}:
        for row in range(row_count(graph, tensor)):
            require(tensor, row, "the end")
    if bool(np.any(owner[counters] != -2)):
        raise ValueError("the counters are overwritten")


def _range(start: int, size: int) -> slice:
    return slice(start, start + size)


def _name(tensor: int, row: int) -> int:
    return tensor << 20 | row


def _parts(stream: Stream, graph: Graph, tensor: int, row: int) -> list[slice]:
    """Bytes of a row: one run, or one in every plane."""
    places, size = stream.places[tensor], row_bytes(graph, tensor)
    start = places.at(row)
    if places.table or places.unit == size:
        return [_range(start, size)]
    plane = places.unit * row_count(graph, tensor)
    return [_range(start + plane * c, places.unit) for c in range(size // places.unit)]
