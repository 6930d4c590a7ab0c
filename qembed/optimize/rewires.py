"""Nodes that can go as a whole: exact identities, borders, and what nobody reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from qembed.ir import AnyArray, Graph, Node, Padding2D
from qembed.ops import OPERATORS
from qembed.ops._windows import MAX_PIXELS
from qembed.ops.lookup import Lookup
from qembed.optimize.removal import Removal

OF_ONE_VALUE = ("quantize", "lookup")
"""Operators whose output values depend on one input value each."""
TABLED = ("int8", "uint8", "int16")
"""Types small enough to try every value."""


def apply(graph: Graph) -> tuple[Graph, tuple[Removal, ...]]:
    """Drop identities, fuse tables, fold borders into the next layers, drop what nobody reads."""
    smaller, identities = _without_identities(graph)
    smaller, tables = _fused(smaller)
    smaller, borders = _without_borders(smaller)
    done = {removal.node for removal in (*identities, *tables, *borders)}
    live = _live_nodes(smaller)
    unread = tuple(
        Removal(node.name, "unread")
        for node in smaller.nodes
        if node not in live and node.name not in done
    )
    smaller = dataclasses.replace(smaller, nodes=live)
    return smaller, (*identities, *tables, *borders, *unread)


def flattened(graph: Graph) -> Graph:
    """Let fully connected layers read what a RESHAPE before them reads: they cut rows themselves.

    Nothing is saved by that, a reshape does not run; but channels stay apart.
    """
    sources = {n.outputs[0]: n.inputs[0] for n in graph.nodes if n.op == "reshape"}
    state = graph.state
    nodes = []
    for node in graph.nodes:
        at = node.inputs[0]
        if node.op == "fully_connected" and not node.params.keep_dims:
            while at in sources and at not in state and sources[at] not in state:
                at = sources[at]
        nodes.append(dataclasses.replace(node, inputs=(at, *node.inputs[1:])))
    graph = dataclasses.replace(graph, nodes=tuple(nodes))
    return dataclasses.replace(graph, nodes=_live_nodes(graph))


def without_unused_tensors(graph: Graph) -> Graph:
    """Drop tensors that no node, input or output names; renumber the others."""
    used = set(graph.inputs) | set(graph.outputs)
    used.update(index for node in graph.nodes for index in (*node.inputs, *node.outputs))
    place = {old: new for new, old in enumerate(sorted(used))}

    def moved(indices: Iterable[int]) -> tuple[int, ...]:
        return tuple(place[index] for index in indices)

    return dataclasses.replace(
        graph,
        tensors=tuple(graph.tensors[index] for index in sorted(used)),
        nodes=tuple(
            dataclasses.replace(node, inputs=moved(node.inputs), outputs=moved(node.outputs))
            for node in graph.nodes
        ),
        inputs=moved(graph.inputs),
        outputs=moved(graph.outputs),
    )


def _without_identities(graph: Graph) -> tuple[Graph, tuple[Removal, ...]]:
    """Let readers of a chain of functions of one value that changes nothing read its input."""
    made: dict[int, tuple[int, AnyArray]] = {}
    """Output of a chain: its input, and what becomes of each value that this can have."""
    stands_for: dict[int, int] = {}
    removed, nodes = [], []
    for node in graph.nodes:
        node = dataclasses.replace(node, inputs=tuple(stands_for.get(i, i) for i in node.inputs))
        nodes.append(node)
        if node.op not in OF_ONE_VALUE or node.outputs[0] in graph.state:
            continue
        source, table = made.get(node.inputs[0]) or _every_value(graph, node.inputs[0])
        if table.size == 0:
            continue
        table = OPERATORS[node.op].reference(node.params, table)
        output = node.outputs[0]
        made[output] = source, table
        every = _every_value(graph, source)[1]
        same = table.dtype == every.dtype and np.array_equal(table, every)
        if same and output not in graph.outputs:
            stands_for[output] = source
            removed.append(Removal(node.name, "identity"))
    return dataclasses.replace(graph, nodes=tuple(nodes)), tuple(removed)


def _fused(graph: Graph) -> tuple[Graph, tuple[Removal, ...]]:
    """Make two functions of one int8 value, of which only the second reads the first, one table."""
    removed = []
    for name in [node.name for node in _live_nodes(graph)]:
        pair = _table_and_reader(graph, next(node for node in graph.nodes if node.name == name))
        if pair is None:
            continue
        first, second = pair
        values = _every_value(graph, first.inputs[0])[1]
        for node in pair:
            values = OPERATORS[node.op].reference(node.params, values)
        one = Node(second.name, "lookup", Lookup(values), first.inputs, second.outputs)
        kept = (one if node is second else node for node in graph.nodes if node is not first)
        graph = dataclasses.replace(graph, nodes=tuple(kept))
        removed.append(Removal(first.name, "fused"))
    return graph, tuple(removed)


def _table_and_reader(graph: Graph, first: Node) -> tuple[Node, Node] | None:
    """Pair a function of one value with the one that alone reads it, from int8 to int8."""
    between = first.outputs[0]
    readers = [node for node in _live_nodes(graph) if between in node.inputs]
    if len(readers) != 1 or between in graph.outputs:
        return None
    ends = first.inputs[0], readers[0].outputs[0]
    functions = first.op in OF_ONE_VALUE and readers[0].op in OF_ONE_VALUE
    narrow = all(graph.tensors[end].dtype == "int8" for end in ends)
    if not functions or not narrow or {*ends, between} & set(graph.state):
        return None
    return first, readers[0]


def _every_value(graph: Graph, index: int) -> tuple[int, AnyArray]:
    """Return the tensor and all values it can have; none where they are too many, or change."""
    tensor = graph.tensors[index]
    if tensor.dtype not in TABLED or tensor.reset_value is not None:
        return index, np.empty(0, np.int8)
    limits = np.iinfo(tensor.dtype)
    return index, np.arange(limits.min, limits.max + 1).astype(tensor.dtype)


def _without_borders(graph: Graph) -> tuple[Graph, tuple[Removal, ...]]:
    """Let convolutions add the border of zero points that a PAD before them adds."""
    removed = []
    for node in reversed(graph.nodes):
        readers = [reader for reader in graph.nodes if node.outputs[0] in reader.inputs]
        if node.op != "pad" or not readers or not _folds(graph, node, readers):
            continue
        removed.append(Removal(node.name, "padding"))
        nodes = tuple(
            _with_border(other, node) if other in readers else other
            for other in graph.nodes
            if other is not node
        )
        graph = dataclasses.replace(graph, nodes=nodes)
    return graph, tuple(reversed(removed))


def _folds(graph: Graph, pad: Node, readers: list[Node]) -> bool:
    ends = {pad.inputs[0], pad.outputs[0]}
    if ends & set(graph.state) or pad.outputs[0] in graph.outputs:
        return False
    border = pad.params.padding
    if len(border) != 4 or border[0] != (0, 0) or border[3] != (0, 0):
        return False
    return all(
        reader.op in ("conv", "depthwise_conv")
        and reader.params.input_zero_point == pad.params.value
        and max(map(max, _joined(reader, pad))) <= MAX_PIXELS
        for reader in readers
    )


def _joined(reader: Node, pad: Node) -> Padding2D:
    (top, bottom), (left, right) = reader.params.padding
    (above, below), (before, after) = pad.params.padding[1:3]
    return (top + above, bottom + below), (left + before, right + after)


def _with_border(reader: Node, pad: Node) -> Node:
    params = dataclasses.replace(reader.params, padding=_joined(reader, pad))
    return dataclasses.replace(reader, params=params, inputs=pad.inputs)


def _live_nodes(graph: Graph) -> tuple[Node, ...]:
    """Nodes whose results reach an output or the next inference."""
    wanted = set(graph.outputs) | set(graph.state)
    live = []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            live.append(node)
    return tuple(reversed(live))
