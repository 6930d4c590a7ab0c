"""The order of the nodes: where branches leave a choice, the one that keeps the least alive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qembed.ir import Graph

BEAM_WIDTH = 256
"""Sets of executed nodes that are followed at once; networks with few branches have fewer."""


def smallest_order(graph: Graph, shared: Callable[[int, tuple[int, ...]], int]) -> tuple[int, ...]:
    """Find an execution order with a small peak of live bytes.

    Parameters
    ----------
    graph : Graph
    shared : callable
        Bytes that node n saves if the tensors of the given indices die there.

    Returns
    -------
    tuple of int
        Node indices. The graph's own order, if no better one was found.
    """
    count = len(graph.nodes)
    before, readers = predecessors(graph), _readers(graph)
    start = sum(graph.tensors[t].nbytes for t in (*graph.inputs, *graph.state))
    # By set of executed nodes, as bits: peak so far, order, bytes alive now. Of two ways to the
    # same set the one with the lower peak is kept.
    states: dict[int, tuple[int, tuple[int, ...], int]] = {0: (0, (), start)}
    for _ in range(count):
        following: dict[int, tuple[int, tuple[int, ...], int]] = {}
        for done, (peak, order, alive) in states.items():
            for n in range(count):
                if done >> n & 1 or before[n] & ~done:
                    continue
                after = done | 1 << n
                new, dead = _change(graph, readers, after, n)
                dying = tuple(t for t in dead if t not in graph.nodes[n].outputs)
                during = alive + new - shared(n, dying)
                left = alive + new - sum(graph.tensors[t].nbytes for t in dead)
                option = max(peak, during), (*order, n), left
                if after not in following or option < following[after]:
                    following[after] = option
        states = dict(sorted(following.items(), key=lambda state: state[1])[:BEAM_WIDTH])
    return next(iter(states.values()))[1]


def predecessors(graph: Graph) -> list[int]:
    """For each node the nodes that must run before it, as bits.

    A node that writes state keeps its place among the nodes that touch the same state.
    """
    before = [0] * len(graph.nodes)
    writer: dict[int, int] = {}
    for n, node in enumerate(graph.nodes):
        for tensor in node.inputs:
            if tensor in writer:
                before[n] |= 1 << writer[tensor]
        for tensor in node.outputs:
            writer[tensor] = n
    for tensor in graph.state:
        touching = [n for n, node in enumerate(graph.nodes) if tensor in node.inputs + node.outputs]
        for i, later in enumerate(touching):
            for earlier in touching[:i]:
                if tensor in graph.nodes[earlier].outputs + graph.nodes[later].outputs:
                    before[later] |= 1 << earlier
    return before


def _readers(graph: Graph) -> dict[int, int]:
    """For each tensor that is not kept for good the nodes that read it, as bits."""
    written = (t for node in graph.nodes for t in node.outputs)
    readers = dict.fromkeys((*graph.inputs, *graph.state, *written), 0)
    for n, node in enumerate(graph.nodes):
        for tensor in node.inputs:
            if tensor in readers:
                readers[tensor] |= 1 << n
    kept = {*graph.outputs, *graph.state}
    return {t: -1 if t in kept else nodes for t, nodes in readers.items()}


def _change(graph: Graph, readers: Mapping[int, int], after: int, n: int) -> tuple[int, list[int]]:
    """Bytes that node n adds, and the tensors that nobody needs once the nodes of `after` ran."""
    node = graph.nodes[n]
    made = [t for t in node.outputs if graph.tensors[t].reset_value is None]
    touched = dict.fromkeys((*node.inputs, *made))
    dead = [t for t in touched if t in readers and not readers[t] & ~after]
    return sum(graph.tensors[t].nbytes for t in made), dead
