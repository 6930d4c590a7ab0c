"""Whole networks: every form against TFLM, on random inputs and on real ones."""

import numpy as np
import pytest

from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.importers import import_model
from support.forms import FORMS, assert_equal
from support.tflm import Interpreter
from support.wake_words import WAKE_WORDS, wake_word

NETWORKS = (
    "kws_int8",
    "ic_int8",
    "ad_int8",
    "person_detect",
    "micro_speech",
    "hello_world_int8",
)
TRACERS = {
    "reference": reference.trace,
    "host": lambda graph, inputs: HostModel(graph).trace(inputs),
}


def random_inputs(graph, count):
    rng = np.random.default_rng(count)
    tensors = [graph.tensors[index] for index in graph.inputs]
    return [rng.integers(-128, 128, (count, *t.shape)).astype(np.int8) for t in tensors]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("form", TRACERS)
def test_every_tensor_of_20_random_inputs(shared, form, name):
    path = shared / f"models/{name}.tflite"
    graph = import_model(path)
    judge = Interpreter(path.read_bytes())
    inputs = random_inputs(graph, 20)
    want = judge.trace(inputs)
    got = TRACERS[form](graph, inputs)
    places = {tensor.name.decode(): place for place, tensor in enumerate(judge.tensors)}
    written = {index for node in graph.nodes for index in node.outputs}
    assert len(written) == len(want)
    for index in written:
        tensor = graph.tensors[index].name
        assert_equal(got[index], want[places[tensor]], f"{form} of {name}, {tensor}")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_output_byte_of_1000_random_inputs(shared, name):
    path = shared / f"models/{name}.tflite"
    graph = import_model(path)
    inputs = random_inputs(graph, 1000)
    for ours, theirs in zip(
        HostModel(graph).run(inputs), Interpreter(path.read_bytes()).run(inputs), strict=True
    ):
        assert_equal(ours, theirs, name)


@pytest.mark.parametrize("form", FORMS)
def test_keywords(shared, form):
    """600 spoken words: the bytes of TFLM, and its 538 right answers."""
    path = shared / "models/kws_int8.tflite"
    words = np.load(shared / "data/kws01.npz")
    (ours,) = FORMS[form]([(import_model(path), [words["x"][:, None]])])[0]
    (theirs,) = Interpreter(path.read_bytes()).run([words["x"]])
    assert_equal(ours, theirs, form)
    assert int(np.sum(ours[:, 0].argmax(axis=1) == words["y"])) == 538


STEPS = 2000
DEVICE_STEPS = 60  # the device's kernels are called one by one here


def assert_stream(form, path, steps):
    if form.startswith("native"):
        steps = min(steps, DEVICE_STEPS)
    graph = import_model(path)
    assert graph.state
    inputs = random_inputs(graph, steps)
    (ours,) = FORMS[form]([(graph, inputs)])[0]
    (theirs,) = Interpreter(path.read_bytes()).run(inputs)
    assert_equal(ours, theirs, f"{form} of {path.name}")


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_of_2000_steps(shared, form):
    assert_stream(form, shared / "models/okay_nabu.tflite", STEPS)


@pytest.mark.parametrize("name", WAKE_WORDS)
@pytest.mark.parametrize("form", FORMS)
def test_streams_of_wake_word_models(form, name):
    assert_stream(form, wake_word(name), 300)


def test_every_tensor_of_a_stream(shared):
    """Also the inner tensors, which shows that state is read and written at the right time."""
    path = shared / "models/okay_nabu.tflite"
    graph = import_model(path)
    judge = Interpreter(path.read_bytes())
    inputs = random_inputs(graph, 100)
    want, got = judge.trace(inputs), reference.trace(graph, inputs)
    places = {tensor.name.decode(): place for place, tensor in enumerate(judge.tensors)}
    compared = 0
    for node in graph.nodes:
        for index in node.outputs:
            tensor = graph.tensors[index]
            if tensor.name in places and tensor.reset_value is None:
                assert_equal(got[index], want[places[tensor.name]], tensor.name)
                compared += 1
    assert compared == len(graph.nodes) - len(graph.state)
