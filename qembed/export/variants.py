"""Which kernel runs each node of a graph, and in which storage order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from qembed.export.lowering import Lowering, demand_of
from qembed.export.ops import candidates
from qembed.ir import Graph
from qembed.ops import OPERATORS
from qembed.plan import Problem, least_bytes, state_problem
from qembed.plan.layout import NHWC, Orders, assign
from qembed.targets import Target

MEMORY_BITS = 80
"""Room for the sum of all squares of sizes below the work."""

Costs = dict[Orders, int]


def choose_kernels(
    graph: Graph, target: Target, arena_max: int | None = None
) -> tuple[Lowering, ...]:
    """Lower every node so that the least work is left to the target's less preferred variants.

    Parameters
    ----------
    arena_max : int, optional
        Leave out kernels that need more memory than this while they run, where the portable one
        is more modest.

    Returns
    -------
    tuple of Lowering, one per node
        Their storage orders agree.

    Raises
    ------
    UnsupportedError
        If the target has no kernel for a node.
    """
    problem = state_problem(graph, tuple(range(len(graph.nodes))), {}, target.alignment)
    found = [candidates(node, graph, target) for node in graph.nodes]
    if arena_max is not None:
        found = [_within(problem, n, target, of, arena_max) for n, of in enumerate(found)]
    costs = [_costs(problem, n, target, of) for n, of in enumerate(found)]
    return tuple(of[orders] for of, orders in zip(found, assign(graph, costs), strict=True))


def _within(
    problem: Problem, n: int, target: Target, found: Mapping[Orders, Lowering], arena_max: int
) -> dict[Orders, Lowering]:
    """Keep the candidates that can run in an arena of this size, and the portable kernel if not."""
    kept = {
        orders: lowering
        for orders, lowering in found.items()
        if least_bytes(problem, n, demand_of(lowering)) <= arena_max
    }
    if NHWC not in kept:
        portable = replace(target, variants=("portable",))
        kept[NHWC] = candidates(problem.graph.nodes[n], problem.graph, portable)[NHWC]
    return kept


def _costs(problem: Problem, n: int, target: Target, found: Mapping[Orders, Lowering]) -> Costs:
    """Cost of a node in every storage order. Squares, since the largest node makes the arena."""
    memory = {o: least_bytes(problem, n, demand_of(low)) ** 2 for o, low in found.items()}
    return {o: kernel_cost(problem.graph, n, target, low, memory[o]) for o, low in found.items()}


def kernel_cost(graph: Graph, n: int, target: Target, lowering: Lowering, memory: int) -> int:
    """Tell what a kernel costs: first its work, weighed by how slow it is; then memory.

    Parameters
    ----------
    memory : int
        Below 2 to the power of `MEMORY_BITS`; compared with that of other nodes as well.
    """
    node = graph.nodes[n]
    tensors = [graph.tensors[i] for i in (*node.inputs, *node.outputs)]
    macs = OPERATORS[node.op].macs
    work = macs(node.params, *tensors) if macs else math.prod(tensors[-1].shape)
    return int(work * _slowness(lowering, target) << MEMORY_BITS | memory)


def _slowness(lowering: Lowering, target: Target) -> int:
    """Weigh the work of a kernel: a portable one takes some ten times the instructions."""
    if lowering.identity:
        return 0
    rank = target.variants.index(lowering.variant)
    return 10 * rank if lowering.variant == "portable" else rank
