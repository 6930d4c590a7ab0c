import doctest

import numpy as np
import pytest

import qembed
from qembed import api
from qembed.backends import reference
from qembed.errors import QembedError
from qembed.ir import Graph, Node, Tensor
from qembed.ops.reshape import Reshape
from qembed.validate import validate
from support.forms import assert_equal


def test_the_documentation_is_true():
    failed, attempted = doctest.testmod(api)
    assert attempted > 0
    assert failed == 0


def test_run_and_trace_equal_the_reference():
    model = qembed.load(api.example())
    tensor = model.graph.tensors[model.graph.inputs[0]]
    x = np.random.default_rng(0).integers(-128, 128, (9, *tensor.shape)).astype(tensor.dtype)
    assert_equal(model.run(x, threads=2), reference.run(model.graph, [x])[0], "run")
    traced = model.trace(x)
    for index, values in reference.trace(model.graph, [x]).items():
        assert_equal(traced[model.graph.tensors[index].name], values, "trace")


def test_several_outputs_and_names_that_are_not_unique():
    tensors = tuple(Tensor("t", shape, "int8") for shape in ((2, 3), (3, 2), (6,)))
    nodes = (
        Node("a", "reshape", Reshape((3, 2)), (0,), (1,)),
        Node("b", "reshape", Reshape((6,)), (0,), (2,)),
    )
    model = qembed.Model(validate(Graph("two", tensors, nodes, (0,), (1, 2))))
    x = np.arange(12, dtype=np.int8).reshape(2, 2, 3)
    outputs = model.run(x)
    assert [a.shape for a in outputs] == [(2, 3, 2), (2, 6)]
    assert set(model.trace(x)) == {"t#0", "t#1", "t#2"}


def test_simulate_runs_the_samples_of_the_model():
    result = qembed.simulate(api.example())
    assert result.samples > 0
    assert result.accuracy is not None
    assert result.accuracy > 0.9


def test_what_is_no_model_is_refused(tmp_path):
    for name, data in (("a.npz", b"PK\x03\x04"), ("b.tflite", b"TFL3"), ("c", b"")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(QembedError):
            qembed.load(path)
    with pytest.raises(QembedError):
        qembed.load(tmp_path / "absent.npz")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        qembed.nothing  # noqa: B018
