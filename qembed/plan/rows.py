"""Row streaming: in which order rows are computed when layers run interleaved, and when each lives.

A row of a tensor is made when a row behind it asks for it, and exists until its last reader has
run. Nothing is computed twice. Layers are taken in groups: within a group rows are made on demand,
between two groups a tensor is whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qembed.ir import Graph

INPUT = -1
"""In a schedule, the place of a node: the next row of the input is pushed."""


@dataclass(frozen=True, slots=True)
class RowDemand:
    """How a node makes the rows of its output from rows of its inputs.

    Step i of the node reads the rows ``i * stride - padding + k * dilation``, k from 0 to
    ``taps - 1``, of every input; those outside the image do not exist.

    Attributes
    ----------
    taps, stride, padding, dilation : int
    folds : bool
        Every step reads one row, and the last one writes the only row of the output.
    scratch : int
        Bytes of working memory during a step.
    kept : int
        Bytes that are kept from the first step to the last.
    """

    taps: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    folds: bool = False
    scratch: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Step `index` of a node; of `INPUT`: row `index` of the input is pushed."""

    node: int
    index: int


@dataclass(frozen=True, slots=True)
class Life:
    """From the step that writes a row to the last one that needs it, both included.

    -1 is before the first step, the number of steps is after the last one.
    """

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Nodes of a graph that run row by row.

    Attributes
    ----------
    start, stop : int
        The first of them, and the one after the last.
    steps : tuple of Step
    rows : mapping of int to tuple of Life
        Of each row of every tensor that exists meanwhile.
    pushed : bool
        The input comes row by row.
    """

    start: int
    stop: int
    steps: tuple[Step, ...]
    rows: Mapping[int, tuple[Life, ...]]
    pushed: bool


Demands = Mapping[int, RowDemand]
Group = tuple[int, int]
"""First node, and the one after the last."""


def row_count(graph: Graph, tensor: int) -> int:
    """Rows of an image; everything else is a single row."""
    shape = graph.tensors[tensor].shape
    return shape[1] if len(shape) == 4 and shape[0] == 1 else 1


def row_bytes(graph: Graph, tensor: int) -> int:
    """Bytes of one row of a tensor."""
    return graph.tensors[tensor].nbytes // row_count(graph, tensor)


def rows_read(graph: Graph, demand: RowDemand, tensor: int, index: int) -> range:
    """Rows of an input that exist and that a step of a node reads."""
    if demand.folds:
        return range(index, index + 1)
    first = index * demand.stride - demand.padding
    after = first + (demand.taps - 1) * demand.dilation + 1
    while first < 0:
        first += demand.dilation
    return range(first, min(after, row_count(graph, tensor)), demand.dilation)


def group_steps(graph: Graph, demands: Demands, group: Group, pushed: bool) -> list[Step]:
    """Order the steps of nodes that run interleaved.

    Parameters
    ----------
    demands : mapping of int to RowDemand
        By node.
    pushed : bool
        The input is pushed while this group runs.
    """
    maker = {graph.inputs[0]: INPUT} if pushed else {}
    maker |= {graph.nodes[n].outputs[0]: n for n in range(*group)}
    made = dict.fromkeys(maker, 0)
    depth = _depths(graph)
    steps: list[Step] = []

    def need(tensor: int, rows: int) -> None:
        """Have the first rows of a tensor made; tensors of earlier groups are whole."""
        while tensor in maker and made[tensor] < rows:
            n = maker[tensor]
            if n == INPUT:
                steps.append(Step(INPUT, made[tensor]))
            elif demands[n].folds:
                for i in range(row_count(graph, graph.nodes[n].inputs[0])):
                    run(n, i)
            else:
                run(n, made[tensor])
            made[tensor] += 1

    def run(n: int, index: int) -> None:
        for source in sorted(graph.nodes[n].inputs, key=lambda t: depth[t]):
            read = rows_read(graph, demands[n], source, index)
            need(source, read[-1] + 1 if read else 0)
        steps.append(Step(n, index))

    for tensor in reversed(maker):  # the last one asks for nearly all rows of the others
        need(tensor, row_count(graph, tensor))
    return steps


def _depths(graph: Graph) -> dict[int, int]:
    """How many nodes at most lie between the inputs and each tensor."""
    depth = dict.fromkeys(range(len(graph.tensors)), 0)
    for node in graph.nodes:
        for tensor in node.outputs:
            depth[tensor] = 1 + max((depth[t] for t in node.inputs), default=0)
    return depth


def schedule(
    graph: Graph, demands: Demands, groups: Sequence[Group], pushed: bool = False
) -> Schedule:
    """Run groups of nodes, which follow each other, one after the other.

    Parameters
    ----------
    pushed : bool
        The graph's only input is pushed while the group that begins with node 0 runs.
    """
    start, stop = groups[0][0], groups[-1][1]
    steps = tuple(
        step
        for group in groups
        for step in group_steps(graph, demands, group, pushed and group[0] == 0)
    )
    rows = _lives(graph, demands, (start, stop), steps)
    return Schedule(start, stop, steps, rows, pushed and start == 0)


def _lives(
    graph: Graph, demands: Demands, group: Group, steps: Sequence[Step]
) -> dict[int, tuple[Life, ...]]:
    """Find when the rows of all tensors exist, as far as these nodes can tell."""
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    for at, step in enumerate(steps):
        if step.node == INPUT:
            first[graph.inputs[0], step.index] = at
            continue
        node, demand = graph.nodes[step.node], demands[step.node]
        for source in node.inputs:
            for row in rows_read(graph, demand, source, step.index):
                last[source, row] = at
        if not demand.folds:
            first[node.outputs[0], step.index] = at
        elif step.index == row_count(graph, node.inputs[0]) - 1:
            first[node.outputs[0], 0] = at
    later = needed_later(graph, group[1])
    before = {t for node in graph.nodes[: group[0]] for t in node.outputs} | set(graph.inputs)
    here = {t for node in graph.nodes[slice(*group)] for t in (*node.inputs, *node.outputs)}
    lives = {}
    for tensor in sorted(here | before & later):
        rows = [(tensor, row) for row in range(row_count(graph, tensor))]
        lives[tensor] = tuple(
            Life(made, len(steps) if tensor in later else last.get(row, made))
            for row, made in ((row, first.get(row, -1)) for row in rows)
        )
    return lives


def needed_later(graph: Graph, stop: int) -> set[int]:
    """Tensors that nodes from `stop` on read, and the graph's outputs."""
    return set(graph.outputs).union(*(node.inputs for node in graph.nodes[stop:]))
