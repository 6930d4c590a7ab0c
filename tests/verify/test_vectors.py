"""Adversarial vectors: they hit what they say they hit, and they find planted faults."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed import container, resources
from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.ir import Graph, Node, Tensor
from qembed.ops.add import Add
from qembed.ops.average_pool import AveragePool
from qembed.ops.mul import Mul
from qembed.validate import validate
from qembed.verify.trial import choose
from qembed.verify.vectors import CORNERS, adversarial
from support.layers import LAYERS, graph


@pytest.fixture(scope="module")
def digits():
    return container.load(resources.PACKAGE / "data/digits.npz")


@pytest.fixture(scope="module")
def vectors(digits):
    return adversarial(digits, partial(reference.trace, digits), candidates=256)


def test_nearly_every_corner_of_every_layer_is_hit(vectors, digits):
    reachable = [c for c in vectors.coverage if c.reachable]
    missed = [c for c in reachable if not c.hit]
    sums = [i for i, n in enumerate(digits.nodes) if n.op in ("conv", "fully_connected")]
    assert sum(c.node in sums for c in reachable) == len(CORNERS) * len(sums)
    assert len(missed) <= len(reachable) // 8


def test_few_inputs_suffice(vectors, digits):
    (inputs,) = vectors.inputs
    assert inputs.shape[1:] == digits.tensors[digits.inputs[0]].shape
    assert len(inputs) <= 32


def test_the_same_seed_gives_the_same_vectors(digits, vectors):
    again = adversarial(digits, partial(reference.trace, digits), candidates=256)
    np.testing.assert_array_equal(again.inputs[0], vectors.inputs[0])


def test_a_layer_without_a_live_channel_has_nothing_to_round(digits):
    node = next(n for n in digits.nodes if n.op == "conv")
    by = node.params.requantization
    dead = Requantization(np.zeros_like(by.multiplier), np.zeros_like(by.shift), by.rounding)
    params = replace(node.params, requantization=dead)
    nodes = tuple(replace(n, params=params) if n is node else n for n in digits.nodes)
    graph = replace(digits, nodes=nodes)
    vectors = adversarial(graph, partial(reference.trace, graph), candidates=16)
    dead_node = digits.nodes.index(node)
    reachable = {c.corner for c in vectors.coverage if c.node == dead_node and c.reachable}
    assert reachable == {"extreme sum"}


def test_single_rounding_in_any_layer_is_exposed(digits, vectors):
    """What a tie is for: each layer, rounded once instead of twice, gives other bytes."""
    honest = reference.trace(digits, vectors.inputs)
    for i, node in enumerate(digits.nodes):
        covered = {c.corner for c in vectors.coverage if c.node == i and c.hit}
        if "rounding matters" not in covered:
            continue
        by = node.params.requantization
        single = Requantization(by.multiplier, by.shift, "single")
        params = replace(node.params, requantization=single)
        nodes = tuple(replace(n, params=params) if n is node else n for n in digits.nodes)
        wrong = reference.trace(replace(digits, nodes=nodes), vectors.inputs)
        assert np.any(wrong[node.outputs[0]] != honest[node.outputs[0]]), node.name


@pytest.mark.parametrize(
    "op", ["add", "mul", "mean", "squared_difference", "average_pool", "batch_matmul", "conv"]
)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_cannot_be_reached_is_never_hit(op, seed):
    made, _ = LAYERS[op](np.random.default_rng(seed))
    if not made.inputs:
        return
    vectors = adversarial(made, partial(reference.trace, made), candidates=64)
    assert [c for c in vectors.coverage if c.hit and not c.reachable] == []


def test_small_layers_reach_all_that_they_can():
    """Two inputs of one value each: random search meets what enumeration says is there."""
    by = Requantization(np.array([1 << 30], np.int32), np.array([-6], np.int32))
    params = Mul(by, 0, 0, 0, (-100, 100))
    tensors = [Tensor(f"x{i}", (64,), "int8") for i in (1, 2)]
    small = graph("mul", params, tensors)
    vectors = adversarial(small, partial(reference.trace, small))
    met = {c.corner for c in vectors.coverage if c.hit}
    assert (
        met == {c.corner for c in vectors.coverage if c.reachable} == set(CORNERS) - {"extreme sum"}
    )


def test_a_pool_of_the_full_range_cannot_be_clamped():
    params = AveragePool((2, 2), (2, 2), ((0, 0), (0, 0)), (-128, 127))
    made = graph("average_pool", params, [Tensor("x", (1, 4, 4, 3), "int8")])
    vectors = adversarial(made, partial(reference.trace, made))
    assert {c.corner for c in vectors.coverage if c.reachable} == {
        "tie above zero",
        "tie below zero",
    }
    assert all(c.hit for c in vectors.coverage if c.reachable)


def test_the_vectors_of_a_model_with_state_are_one_sequence():
    """A sum that goes on from step to step: both ends are reached, but not in one step."""
    nothing = Requantization(np.array([1 << 30], np.int32), np.array([0], np.int32))
    unit = Requantization(np.array([1 << 30], np.int32), np.array([-18], np.int32))
    params = Add(20, nothing, nothing, unit, 0, 0, 0, (-127, 126))
    tensors = (Tensor("x", (1, 4), "int8"), Tensor("sum", (1, 4), "int8", reset_value=0))
    nodes = (Node("count", "add", params, (0, 1), (1,)),)
    made = validate(Graph("counter", tensors, nodes, (0,), (1,)))
    vectors = adversarial(made, partial(reference.trace, made), candidates=64)
    hit = {c.corner for c in vectors.coverage if c.hit}
    assert {"lower clamp", "upper clamp"} <= hit
    (sums,) = reference.run(made, vectors.inputs)
    assert sums.min() == -127 and sums.max() == 126
    exact = np.concatenate([np.zeros_like(sums[:1]), sums[:-1]]).astype(int) + vectors.inputs[0]
    assert exact.min() < -127 and exact.max() > 126


def test_the_sequence_comes_before_everything_else():
    """It starts from the reset state: behind other samples it would hit something else."""
    made, _ = LAYERS["svdf"](np.random.default_rng(0))
    assert made.state
    corners, everything = choose(made, "corner"), choose(made, "all", samples=3)
    for alone, first in zip(corners.inputs, everything.inputs, strict=True):
        assert len(first) > len(alone)
        np.testing.assert_array_equal(first[: len(alone)], alone)
    assert everything.coverage == corners.coverage
