"""Which kernel runs each node of a graph, and in which storage order."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qembed.export.lowering import Lowering, demand_of
from qembed.export.ops import candidates
from qembed.ir import Graph
from qembed.ops import OPERATORS
from qembed.plan import least_bytes
from qembed.plan.layout import Orders, assign
from qembed.targets import Target

MEMORY_BITS = 80
"""Room for the sum of all squares of sizes below the work."""

Costs = dict[Orders, int]


def choose_kernels(graph: Graph, target: Target) -> tuple[Lowering, ...]:
    """Lower every node so that the least work is left to the target's less preferred variants.

    Returns
    -------
    tuple of Lowering, one per node
        Their storage orders agree.

    Raises
    ------
    UnsupportedError
        If the target has no kernel for a node.
    """
    found = [candidates(node, graph, target) for node in graph.nodes]
    costs = [_costs(n, graph, target, of) for n, of in enumerate(found)]
    return tuple(of[orders] for of, orders in zip(found, assign(graph, costs), strict=True))


def _costs(n: int, graph: Graph, target: Target, found: Mapping[Orders, Lowering]) -> Costs:
    """Cost of a node in every storage order.

    First its work, once for each variant that the target prefers to the one that does it. Equal
    work is decided by memory: squares, since the largest node makes the arena.
    """
    node = graph.nodes[n]
    tensors = [graph.tensors[i] for i in (*node.inputs, node.outputs[0])]
    macs = OPERATORS[node.op].macs
    work = macs(node.params, *tensors) if macs else math.prod(tensors[-1].shape)
    costs = {}
    for orders, lowering in found.items():
        rank = 0 if lowering.identity else target.variants.index(lowering.variant)
        costs[orders] = work * rank << MEMORY_BITS | least_bytes(graph, n, demand_of(lowering)) ** 2
    return costs
