"""Float layers: their forward pass, their form in a file and their import, against LiteRT."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from qembed.floats import FLOAT_OPERATORS, executor
from qembed.floats.lowering import lower
from qembed.importers.tflite.floats import convert_float
from qembed.tflite import reader, writer
from support.float_layers import MAKERS


def litert(raw, inputs):
    interpreter = Interpreter(model_content=raw)
    interpreter.allocate_tensors()
    outputs = []
    for sample in zip(*inputs, strict=True):
        for detail, array in zip(interpreter.get_input_details(), sample, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.stack(outputs)


def inputs_for(graph, rng, count=3):
    shapes = [graph.tensors[i].shape for i in graph.inputs]
    return [(3 * rng.standard_normal((count, *shape))).astype(np.float32) for shape in shapes]


def test_every_operator_has_a_maker():
    assert set(MAKERS) == set(FLOAT_OPERATORS)


@pytest.mark.parametrize("stem", MAKERS)
@pytest.mark.parametrize("seed", range(12))
def test_equals_litert_and_survives_the_file(stem, seed):
    rng = np.random.default_rng(seed)
    graph = MAKERS[stem](rng)
    inputs = inputs_for(graph, rng)
    raw = writer.write(lower(graph))
    (ours,) = executor.run(graph, inputs)
    np.testing.assert_allclose(ours, litert(raw, inputs), rtol=2e-5, atol=2e-5)

    again = convert_float(reader.parse(raw), "again", len(raw))
    (theirs,) = executor.run(again, inputs)
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("stem", ["conv", "depthwise_conv", "fully_connected"])
@pytest.mark.parametrize("seed", range(8))
def test_unfolded_products_are_the_sums(stem, seed):
    """What the quantizer sees of a layer gives what the layer computes."""
    rng = np.random.default_rng(seed)
    graph = MAKERS[stem](rng)
    (node,), view = graph.nodes, FLOAT_OPERATORS[stem].weights
    (x,) = inputs_for(graph, rng)
    images = x.reshape(-1, *x.shape[2:]) if stem != "fully_connected" else x
    seen = view.unfold(node.params, images)
    matrices = view.matrix(node.params, len(seen))
    np.testing.assert_array_equal(view.restored(node.params, matrices), node.params.weights)
    sums = (seen @ matrices.transpose(0, 2, 1)).transpose(1, 0, 2)
    sums = sums.reshape(-1, len(node.params.bias)) + node.params.bias
    low, high = {
        "NONE": (-np.inf, np.inf),
        "RELU": (0, np.inf),
        "RELU6": (0, 6),
        "RELU_N1_TO_1": (-1, 1),
    }[node.params.activation]
    (y,) = executor.run(graph, [x])
    np.testing.assert_allclose(
        np.clip(sums, low, high), y.reshape(sums.shape), rtol=1e-4, atol=1e-4
    )
