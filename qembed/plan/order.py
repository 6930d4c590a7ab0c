"""The order of the nodes: where branches leave a choice, the one that keeps the least alive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from qembed.ir import Graph

BEAM_WIDTH = 256
"""Sets of executed nodes that are followed at once; networks with few branches have fewer."""


def smallest_order(graph: Graph, shared: Callable[[int, Sequence[int]], int]) -> tuple[int, ...]:
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
    before = predecessors(graph)
    readers = _readers(graph)
    # By set of executed nodes, as bits: (peak, order). Sets that coincide keep the lower peak.
    states: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for _ in range(count):
        following: dict[int, tuple[int, tuple[int, ...]]] = {}
        for done, (peak, order) in states.items():
            for n in range(count):
                if done >> n & 1 or before[n] & ~done:
                    continue
                after = done | 1 << n
                option = max(peak, _bytes_at(graph, readers, done, n, shared)), (*order, n)
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


def _bytes_at(
    graph: Graph,
    readers: dict[int, int],
    done: int,
    n: int,
    shared: Callable[[int, Sequence[int]], int],
) -> int:
    """Bytes that exist while node n runs after the nodes of `done`."""
    node = graph.nodes[n]
    alive = [t for t in _written(graph, done) if readers[t] & ~done]
    alive += [t for t in node.outputs if t not in alive]
    dying = [t for t in set(node.inputs) if t in readers and not readers[t] & ~(done | 1 << n)]
    return sum(graph.tensors[t].nbytes for t in alive) - shared(n, sorted(dying))


def _written(graph: Graph, done: int) -> Iterator[int]:
    yield from graph.inputs
    yield from graph.state
    for n, node in enumerate(graph.nodes):
        if done >> n & 1:
            yield from (t for t in node.outputs if graph.tensors[t].reset_value is None)
