"""Storage orders: the permutations, and the choice against trying everything."""

import itertools
import random

import numpy as np
import pytest

from qembed.ir import Graph, Node, Tensor
from qembed.plan.layout import (
    ALL_ORDERS,
    NHWC,
    assign,
    differs,
    from_storage,
    storage_orders,
    to_storage,
)


def test_planes_lie_one_behind_the_other():
    image = np.arange(24).reshape(1, 2, 3, 4)
    stored = to_storage(image, image.shape, "planar")
    assert stored.ravel()[:6].tolist() == image[0, :, :, 0].ravel().tolist()


@pytest.mark.parametrize("order", ["nhwc", "planar"])
@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (1, 1, 1, 4), (1, 3, 2, 1), (5,), (2, 3), ()])
def test_back_and_forth(shape, order):
    batch = np.random.default_rng(0).integers(0, 99, (3, *shape))
    stored = to_storage(batch, shape, order)
    assert np.array_equal(from_storage(stored.reshape(3, -1), shape, order), batch)
    assert differs(shape) or np.array_equal(stored, batch)


def random_problem(rng):
    """A small graph with branches, and costs in which NHWC is always possible."""
    shapes = [(1, 2, 2, 2), (1, 2, 2, 2), (1, 1, 1, 4), (1, 4, 4, 1)]
    tensors, nodes, costs = [Tensor("", (1, 2, 2, 2), "int8")], [], []
    for n in range(rng.randint(1, 5)):
        inputs = tuple(rng.sample(range(len(tensors)), min(len(tensors), rng.choice((1, 1, 2)))))
        nodes.append(Node(str(n), "op", None, inputs, (len(tensors),)))
        tensors.append(Tensor("", rng.choice(shapes), "int8"))
        of = {orders: rng.randint(0, 9) for orders in ALL_ORDERS if rng.random() < 0.7}
        costs.append(of | {NHWC: rng.randint(0, 20)})
    outputs = (len(tensors) - 1, rng.randrange(len(tensors)))
    return Graph("", tuple(tensors), tuple(nodes), (0,), outputs), costs


def price(graph, costs, chosen):
    """(cost, tensors in planes) of a choice; None if the nodes do not agree."""
    planar = storage_orders(graph, chosen)
    if planar.keys() & set(graph.outputs):
        return None
    for node, orders in zip(graph.nodes, chosen, strict=True):
        for t in node.inputs:
            if differs(graph.tensors[t].shape) and (t in planar) != (orders.inputs == "planar"):
                return None
    return sum(of[orders] for of, orders in zip(costs, chosen, strict=True)), len(planar)


def test_no_choice_is_cheaper():
    rng = random.Random(1)
    for _ in range(300):
        graph, costs = random_problem(rng)
        everything = (price(graph, costs, chosen) for chosen in itertools.product(*costs))
        least = min(p for p in everything if p is not None)
        assert price(graph, costs, assign(graph, costs)) == least
