"""Adversarial vectors: they hit what they say they hit, and they find planted faults."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from qembed import container, resources
from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.verify.vectors import CORNERS, adversarial


@pytest.fixture(scope="module")
def digits():
    return container.load(resources.PACKAGE / "data/digits.npz")


@pytest.fixture(scope="module")
def vectors(digits):
    return adversarial(digits, partial(reference.trace, digits), candidates=256)


def test_nearly_every_corner_of_every_layer_is_hit(vectors):
    reachable = [c for c in vectors.coverage if c.reachable]
    missed = [c for c in reachable if not c.hit]
    assert len(reachable) == len(CORNERS) * len({c.node for c in vectors.coverage})
    assert len(missed) <= len(reachable) // 8


def test_few_inputs_suffice(vectors, digits):
    (inputs,) = vectors.inputs
    assert inputs.shape[1:] == digits.tensors[digits.inputs[0]].shape
    assert len(inputs) <= 32


def test_the_same_seed_gives_the_same_vectors(digits, vectors):
    again = adversarial(digits, partial(reference.trace, digits), candidates=256)
    np.testing.assert_array_equal(again.inputs[0], vectors.inputs[0])


def test_a_layer_without_a_live_channel_has_nothing_to_reach(digits):
    node = next(n for n in digits.nodes if n.op == "conv")
    by = node.params.requantization
    dead = Requantization(np.zeros_like(by.multiplier), np.zeros_like(by.shift), by.rounding)
    params = replace(node.params, requantization=dead)
    nodes = tuple(replace(n, params=params) if n is node else n for n in digits.nodes)
    graph = replace(digits, nodes=nodes)
    vectors = adversarial(graph, partial(reference.trace, graph), candidates=16)
    dead_node = digits.nodes.index(node)
    assert not any(c.reachable for c in vectors.coverage if c.node == dead_node)


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
