"""Lowering of every operator: one module each, and this table of them."""

from __future__ import annotations

from collections.abc import Callable

from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.targets import Target

LOWERINGS: dict[str, Callable[[Node, Graph, Target], Lowering]] = {}


def lower(node: Node, graph: Graph, target: Target) -> Lowering:
    """Choose a kernel for `node` and fill its parameters."""
    return LOWERINGS[node.op](node, graph, target)
