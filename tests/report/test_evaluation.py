"""Evaluation in blocks: state goes on from block to block, counts add up."""

import dataclasses

import numpy as np
import pytest

from qembed.arithmetic import requantization
from qembed.backends import reference
from qembed.dataset import Dataset, random_dataset
from qembed.errors import InputError
from qembed.ir import Graph, Node, Quantization, Tensor
from qembed.ops.add import Add
from qembed.report import evaluation
from qembed.report.evaluation import evaluate, run_blocks
from qembed.validate import validate

NEAR_ONE = requantization(np.float64(0.9), "double")
QUARTER = requantization(np.float64(2.0**-20), "double")
REMEMBER = Add(20, NEAR_ONE, NEAR_ONE, QUARTER, 0, 0, 0, (-128, 127))


@pytest.fixture
def adds_up():
    """A model with state: it adds each step to what it remembers, a little less of both."""
    tensors = (
        Tensor("x", (1, 4), "int8", Quantization(1.0, 0)),
        Tensor("memory", (1, 4), "int8", Quantization(1.0, 0), reset_value=0),
    )
    node = Node("remember", "add", REMEMBER, (0, 1), (1,))
    return validate(Graph("adds-up", tensors, (node,), (0,), (1,)))


@pytest.fixture
def steps(adds_up):
    return random_dataset(adds_up, 23, seed=1)


@pytest.mark.parametrize("form", ["host", "reference"])
@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("size", [1, 5, 23])
def test_state_goes_on_from_block_to_block(form, traced, size, adds_up, steps, monkeypatch):
    monkeypatch.setattr(evaluation, "MAX_BLOCK", size)
    (wanted,) = reference.run(adds_up, steps.sources)
    assert len(np.unique(wanted[:, 0], axis=0)) > 10, "the steps build on each other"
    found = [b.outputs[0] for b in run_blocks(adds_up, steps, form, 2, traced)]
    assert np.array_equal(np.concatenate(found), wanted)


@pytest.mark.parametrize("form", ["host", "reference"])
def test_saturation_of_a_model_with_state(form, adds_up, steps, monkeypatch):
    monkeypatch.setattr(evaluation, "MAX_BLOCK", 4)
    (outputs,) = reference.run(adds_up, steps.sources)
    (row,) = evaluate(adds_up, steps, form).saturation
    assert (row.at_low, row.at_high) == (np.sum(outputs == -128), np.sum(outputs == 127))
    assert row.at_high > 0 and row.total == outputs.size == 92


def test_labels_are_held_against_the_largest_output(adds_up, steps):
    (outputs,) = reference.run(adds_up, steps.sources)
    decided = outputs[:, 0].argmax(axis=1)
    labels = decided.copy()
    labels[:5] = (labels[:5] + 1) % 4
    data = Dataset(adds_up, steps.sources, 23, labels, "test")
    run = evaluate(adds_up, data, saturation=False)
    assert (run.correct, run.samples, run.saturation) == (18, 23, None)
    assert run.accuracy == 18 / 23
    assert run.confusion.trace() == 18 and run.confusion.sum() == 23
    for bad in (-1, 4):
        wrong = Dataset(adds_up, steps.sources, 23, np.full(23, bad), "test")
        with pytest.raises(InputError, match="do not fit an output of 4 classes"):
            evaluate(adds_up, wrong)


@pytest.mark.parametrize("form", ["host", "reference"])
@pytest.mark.parametrize("traced", [False, True])
def test_outputs_may_be_constants_inputs_and_named_twice(form, traced, adds_up, steps):
    constant = Tensor("constant", (3,), "int16", data=np.array([1, -2, 300], np.int16))
    odd = validate(
        dataclasses.replace(adds_up, tensors=(*adds_up.tensors, constant), outputs=(2, 1, 0, 1))
    )
    (block,) = run_blocks(odd, steps, form, 1, traced)
    fixed, memory, x, again = block.outputs
    assert fixed.shape == (23, 3) and np.array_equal(fixed[7], constant.data)
    assert np.array_equal(x, steps.sources[0]) and np.array_equal(memory, again)
    assert np.array_equal(memory, reference.run(odd, steps.sources)[1])
