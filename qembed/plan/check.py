"""Proof that a plan keeps every value until its last reader: by running it on owners of bytes.

Written without the planner's notion of lifetimes: every byte of an arena remembers which value was
last written there, two inferences are run, and each read must find its own value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qembed.ir import Graph
from qembed.plan.demand import Overlap
from qembed.plan.memory import Plan

_NOBODY = -1


def check(plan: Plan, graph: Graph) -> None:
    """Raise ValueError, naming node and tensor, if a value would be lost before it is read."""
    owner = np.full(plan.arena_bytes, _NOBODY, np.int64)
    _check_ranges(plan, graph)
    _check_order(plan, graph)
    for tensor in graph.state:
        _write(owner, plan, graph, tensor)
    for _ in range(2):
        for tensor in graph.inputs:
            _write(owner, plan, graph, tensor)
        _require(owner, plan, graph, (*graph.inputs, *graph.state), "the start")
        for n in plan.order:
            _run(owner, plan, graph, n)
        _require(owner, plan, graph, (*graph.outputs, *graph.state), "the end")


def _run(owner: NDArray[np.int64], plan: Plan, graph: Graph, n: int) -> None:
    """One node: reads, then scratch and outputs, which may touch an input only as declared."""
    node = graph.nodes[n]
    _require(owner, plan, graph, node.inputs, f"node '{node.name}'")
    if node.outputs[0] in plan.aliases:
        return
    if n in plan.scratch:
        touched = owner[plan.scratch[n] : plan.scratch[n] + plan.traversals[n].scratch]
        touched[:] = _scratch(n)
        _require(owner, plan, graph, node.inputs, f"the scratch of node '{node.name}'")
    for o, tensor in enumerate(node.outputs):
        before = owner.copy()
        _write(owner, plan, graph, tensor)
        for i, source in enumerate(node.inputs):
            if _value(plan, source) == tensor or not _is_placed(graph, source):
                continue
            distance = plan.offsets[tensor] - plan.offsets[source]
            if _apart(distance, graph.tensors[source].nbytes, graph.tensors[tensor].nbytes):
                continue
            if not _is_declared(plan.traversals[n].overlaps, i, o, distance):
                raise ValueError(
                    f"node '{node.name}' writes output {o} {distance} bytes from input {i}"
                )
        if bool(np.any(before[owner != before] == _scratch(n))):
            raise ValueError(f"node '{node.name}' writes output {o} over its own scratch")
    _require(owner, plan, graph, node.outputs, f"the outputs of node '{node.name}'")


def _is_declared(overlaps: Sequence[Overlap], i: int, o: int, distance: int) -> bool:
    return any(
        (d.below is not None and distance <= d.below)
        or (d.above is not None and distance >= d.above)
        or (d.in_place and distance == 0)
        for d in overlaps
        if (d.input, d.output) == (i, o)
    )


def _apart(distance: int, first: int, second: int) -> bool:
    return distance >= first or distance <= -second


def _check_ranges(plan: Plan, graph: Graph) -> None:
    ends = [(plan.offsets[t], graph.tensors[t].nbytes) for t in plan.offsets]
    ends += [(at, plan.traversals[n].scratch) for n, at in plan.scratch.items()]
    for at, size in ends:
        if at < 0 or at + size > plan.arena_bytes:
            raise ValueError(f"bytes {at} to {at + size} are outside {plan.arena_bytes}")


def _check_order(plan: Plan, graph: Graph) -> None:
    """Every node once, and readers of state on the same side of its writer as in the graph."""
    if sorted(plan.order) != list(range(len(graph.nodes))):
        raise ValueError("the order leaves out a node or repeats it")
    position = {n: p for p, n in enumerate(plan.order)}
    for tensor in graph.state:
        writers = [n for n, node in enumerate(graph.nodes) if tensor in node.outputs]
        readers = [n for n, node in enumerate(graph.nodes) if tensor in node.inputs]
        for w in writers:
            for r in {*readers, *writers} - {w}:
                if (w < r) != (position[w] < position[r]):
                    raise ValueError(f"'{graph.tensors[tensor].name}' is updated out of order")


def _scratch(n: int) -> int:
    """Owner of the scratch bytes of node `n`: no tensor, and no other node's."""
    return _NOBODY - 1 - n


def _value(plan: Plan, tensor: int) -> int:
    return plan.aliases.get(tensor, tensor)


def _is_placed(graph: Graph, tensor: int) -> bool:
    return graph.tensors[tensor].data is None


def _write(owner: NDArray[np.int64], plan: Plan, graph: Graph, tensor: int) -> None:
    at = plan.offsets[tensor]
    owner[at : at + graph.tensors[tensor].nbytes] = _value(plan, tensor)


def _require(
    owner: NDArray[np.int64], plan: Plan, graph: Graph, tensors: Sequence[int], where: str
) -> None:
    for tensor in tensors:
        if not _is_placed(graph, tensor):
            continue
        at = plan.offsets[tensor]
        if bool(np.any(owner[at : at + graph.tensors[tensor].nbytes] != _value(plan, tensor))):
            raise ValueError(f"'{graph.tensors[tensor].name}' is overwritten before {where}")
