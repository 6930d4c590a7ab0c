"""Whole float networks: import, simplification, execution."""

from dataclasses import replace

import numpy as np
import pytest

from qembed.errors import InputError, ModelError, UnsupportedError
from qembed.floats import FLOAT_OPERATORS, PROFILE, executor
from qembed.floats.binary import Binary
from qembed.floats.conv import Conv
from qembed.floats.lowering import lower
from qembed.floats.simplify import simplify
from qembed.floats.unary import Unary
from qembed.importers import import_float_model
from qembed.ir import Graph, Node, Tensor
from qembed.tflite import reader, writer
from qembed.validate import validate
from support.float_layers import single

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def chain(*steps, shape=(1, 6, 6, 3)):
    """A graph of nodes in a row; a step is (op, params, constants behind the activation)."""
    tensors, nodes = [Tensor("x", shape, "float32")], []
    last = 0
    for number, (op, params, *constants) in enumerate(steps):
        places = [last]
        for array in constants:
            tensors.append(Tensor(f"c{number}", array.shape, "float32", data=array))
            places.append(len(tensors) - 1)
        ((size, dtype),) = FLOAT_OPERATORS[op].infer(params, *(tensors[i] for i in places))
        tensors.append(Tensor(f"t{number}", size, dtype))
        last = len(tensors) - 1
        nodes.append(Node(f"t{number}", op, params, tuple(places), (last,)))
    graph = Graph("chain", tuple(tensors), tuple(nodes), (0,), (last,), PROFILE)
    return validate(graph, FLOAT_OPERATORS)


def convolution():
    return ("conv", Conv(normal(4, 3, 3, 3), normal(4), (1, 1), ((1, 1), (1, 1))))


@pytest.mark.parametrize("function", ["mul", "add", "sub", "div"])
def test_channel_scales_go_into_the_weights(function):
    graph = chain(
        convolution(),
        ("binary", Binary(function), 1 + normal(4) ** 2),
        ("binary", Binary("add"), normal(4)),
        ("unary", Unary("relu")),
    )
    small = simplify(graph)
    assert [node.op for node in small.nodes] == ["conv"]
    assert small.nodes[0].params.activation == "RELU"
    x = [normal(2, 1, 6, 6, 3)]
    before, after = executor.run(graph, x)[0], executor.run(small, x)[0]
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_what_others_read_is_not_merged():
    """A tensor with a second reader must keep its value."""
    graph = chain(convolution(), ("unary", Unary("relu")))
    graph = replace(graph, outputs=(1, 2))
    assert [node.op for node in simplify(graph).nodes] == ["conv", "unary"]


def test_an_activation_behind_an_activation_stays():
    graph = chain(convolution(), ("unary", Unary("relu6")), ("unary", Unary("relu_n1_to_1")))
    assert [node.op for node in simplify(graph).nodes] == ["conv", "unary"]


def test_no_scale_goes_through_a_fused_activation():
    graph = chain(convolution(), ("unary", Unary("relu")), ("binary", Binary("mul"), normal(4)))
    assert [node.op for node in simplify(graph).nodes] == ["conv", "binary"]


def test_constants_are_computed():
    constant = normal(1, 6, 6, 3)
    tensors = (
        Tensor("x", (1, 6, 6, 3), "float32"),
        Tensor("c", constant.shape, "float32", data=constant),
        Tensor("r", constant.shape, "float32"),
        Tensor("y", constant.shape, "float32"),
    )
    nodes = (
        Node("r", "unary", Unary("relu"), (1,), (2,)),
        Node("y", "binary", Binary("add"), (0, 2), (3,)),
    )
    small = simplify(Graph("c", tensors, nodes, (0,), (3,), PROFILE))
    assert [node.op for node in small.nodes] == ["binary"]
    x = normal(2, 1, 6, 6, 3)
    np.testing.assert_array_equal(executor.run(small, [x])[0], x + np.maximum(constant, 0))


def test_blocks_of_samples_do_not_show(monkeypatch):
    graph = chain(convolution(), ("unary", Unary("tanh")))
    x = [normal(7, 1, 6, 6, 3)]
    whole = executor.trace(graph, x)
    monkeypatch.setattr(executor, "BLOCK_BYTES", 2 * executor.bytes_per_sample(graph))
    parts = executor.trace(graph, x)
    assert set(whole) == {0, 1, 2}
    for index, array in whole.items():
        np.testing.assert_allclose(parts[index], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 1, 6, 6, 4), (0, 1, 6, 6, 3)])
def test_wrong_inputs_are_refused(shape):
    with pytest.raises(InputError, match=r"takes \[1, 6, 6, 3\]"):
        executor.run(chain(convolution()), [np.zeros(shape, np.float32)])


def test_weights_that_are_no_numbers_are_refused():
    weights = np.full((4, 3, 3, 3), np.nan, np.float32)
    with pytest.raises(ModelError, match="finite"):
        single("conv", Conv(weights, normal(4), (1, 1), ((0, 0), (0, 0))), (1, 6, 6, 3))


def test_a_quantized_network_is_refused(shared):
    with pytest.raises(UnsupportedError, match="quantized already"):
        import_float_model(shared / "models" / "kws_int8.tflite")


@pytest.mark.parametrize("name", ["ic", "kws", "ad", "hello_world"])
def test_real_networks_equal_litert(shared, name):
    from ai_edge_litert.interpreter import Interpreter

    path = shared / "models" / f"{name}_float.tflite"
    graph = import_float_model(path)
    assert all(node.op != "unary" for node in graph.nodes)
    x = 50 * normal(4, *graph.tensors[graph.inputs[0]].shape)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    expected = []
    for sample in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        expected.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    (ours,) = executor.run(graph, [x])
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)

    raw = writer.write(lower(graph))
    assert writer.write(reader.parse(raw)) == raw
