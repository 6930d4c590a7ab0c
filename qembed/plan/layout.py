"""Storage order: in which order the bytes of an image lie in the arena.

Graphs speak of NHWC alone. A kernel may rather read or write an image plane by plane (CHW): then
neighbouring pixels of a channel share a word. Which tensors lie that way is decided here, once;
everything that looks at the arena from outside goes through `to_storage`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from qembed.ir import AnyArray, Graph, Shape

Order = Literal["nhwc", "planar", "rows"]
"""Pixel by pixel, plane by plane, or row by row and each row plane by plane."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Storage order of all inputs and of all outputs of a node."""

    inputs: Order = "nhwc"
    outputs: Order = "nhwc"


NHWC = Orders()
ALL_ORDERS = (
    NHWC,
    Orders("nhwc", "planar"),
    Orders("planar", "nhwc"),
    Orders("planar", "planar"),
)


def axes(shape: Shape, order: Order) -> tuple[int, ...]:
    """Axes of a tensor in the order in which its elements lie, the one that varies fastest last."""
    if order == "planar" and differs(shape):
        return (0, 3, 1, 2)
    if order == "rows" and differs(shape):
        return (0, 1, 3, 2)
    return tuple(range(len(shape)))


def to_storage(array: AnyArray, shape: Shape, order: Order) -> AnyArray:
    """Bring values into the order in which they lie in the arena.

    Parameters
    ----------
    array : ndarray, shape (..., *shape)
    shape : tuple of int
        Of the tensor.
    order : Order

    Returns
    -------
    ndarray
        The same values; C-contiguous, of another shape if the order is not NHWC.
    """
    outer = array.ndim - len(shape)
    chosen = (*range(outer), *(outer + axis for axis in axes(shape, order)))
    return np.ascontiguousarray(array.transpose(chosen))


def from_storage(stored: AnyArray, shape: Shape, order: Order) -> AnyArray:
    """Undo `to_storage`: values of any shape (..., size of `shape`) become (..., *shape)."""
    chosen = axes(shape, order)
    outer = stored.size // math.prod(shape)
    lying = stored.reshape(outer, *(shape[axis] for axis in chosen))
    back = (0, *(1 + int(axis) for axis in np.argsort(chosen)))
    return np.ascontiguousarray(lying.transpose(back))


def differs(shape: Shape) -> bool:
    """Whether the two orders of a tensor are different bytes: a single channel or pixel has one."""
    return len(shape) == 4 and shape[3] > 1 and shape[1] * shape[2] > 1


def assign(graph: Graph, costs: Sequence[Mapping[Orders, int]]) -> tuple[Orders, ...]:
    """Choose the storage orders of all nodes at the least total cost.

    Exact: walks through the nodes with the best choice for every set of live tensors that lie in
    planes. Inputs, outputs, state and constants of the graph are NHWC.

    Parameters
    ----------
    graph : Graph
    costs : sequence of mapping from Orders to int
        For each node what it can do, and at which cost; `NHWC` is always possible.

    Returns
    -------
    tuple of Orders, one per node
        They agree on every tensor for which it matters. Among equal costs the one with the fewest
        tensors in planes.
    """
    last_use = {t: n for n, node in enumerate(graph.nodes) for t in node.inputs}
    fixed = set(graph.outputs) | set(graph.state)
    best: dict[frozenset[int], tuple[int, int, tuple[Orders, ...]]] = {frozenset(): (0, 0, ())}
    for n, node in enumerate(graph.nodes):
        following: dict[frozenset[int], tuple[int, int, tuple[Orders, ...]]] = {}
        images = [t for t in node.inputs if differs(graph.tensors[t].shape)]
        results = [t for t in node.outputs if differs(graph.tensors[t].shape)]
        for planar, (cost, count, chosen) in best.items():
            for orders, price in costs[n].items():
                if any((t in planar) != (orders.inputs == "planar") for t in images):
                    continue
                new = frozenset(results if orders.outputs == "planar" else ())
                if new & fixed:
                    continue
                live = frozenset(t for t in planar | new if last_use.get(t, n) > n)
                option = cost + price, count + len(new), (*chosen, orders)
                if live not in following or option[:2] < following[live][:2]:
                    following[live] = option
        best = following
    return min(best.values(), key=lambda option: option[:2])[2]


def storage_orders(graph: Graph, orders: Sequence[Orders]) -> dict[int, Order]:
    """Tell the storage order of every tensor that is not NHWC, by index."""
    planar: dict[int, Order] = {}
    for node, chosen in zip(graph.nodes, orders, strict=True):
        for tensor in node.outputs:
            if chosen.outputs == "planar" and differs(graph.tensors[tensor].shape):
                planar[tensor] = "planar"
    return planar
