"""Which kernel runs each node of a graph, and in which storage order."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qembed.export.lowering import Lowering
from qembed.export.ops import candidates
from qembed.ir import Graph, Node
from qembed.ops import OPERATORS
from qembed.plan.layout import Orders, assign
from qembed.targets import Target


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
    costs = [_costs(node, graph, target, of) for node, of in zip(graph.nodes, found, strict=True)]
    return tuple(of[orders] for of, orders in zip(found, assign(graph, costs), strict=True))


def _costs(
    node: Node, graph: Graph, target: Target, found: Mapping[Orders, Lowering]
) -> dict[Orders, int]:
    """Work of the node, once for each variant that the target prefers to the one that does it."""
    tensors = [graph.tensors[i] for i in (*node.inputs, node.outputs[0])]
    macs = OPERATORS[node.op].macs
    work = macs(node.params, *tensors) if macs else math.prod(tensors[-1].shape)
    return {
        orders: 0 if lowering.identity else work * target.variants.index(lowering.variant)
        for orders, lowering in found.items()
    }
