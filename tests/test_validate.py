"""A graph is refused at the edge, with a sentence that names what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.errors import ModelError
from qembed.ir import Graph, Node, Quantization, Samples, Tensor
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.reshape import Reshape
from qembed.ops.strided_slice import StridedSlice
from qembed.validate import IN_PLACE, validate
from support.layers import LAYERS


def layer(**changes):
    params = FullyConnected(
        weights=np.ones((2, 3), np.int8),
        bias=np.zeros(2, np.int32),
        requantization=Requantization(np.array([1 << 30], np.int32), np.zeros(1, np.int32)),
        input_zero_point=0,
        output_zero_point=0,
        activation_range=(-128, 127),
    )
    return replace(params, **changes)


def model(**changes):
    graph = Graph(
        name="tiny",
        tensors=(
            Tensor("x", (1, 3), "int8", Quantization(0.5, 0)),
            Tensor("y", (1, 2), "int8", Quantization(0.5, 0)),
        ),
        nodes=(Node("fc", "fully_connected", layer(), (0,), (1,)),),
        inputs=(0,),
        outputs=(1,),
    )
    return replace(graph, **changes)


def node(**changes):
    return (replace(model().nodes[0], **changes),)


def tensors(**changes):
    return (replace(model().tensors[0], **changes), model().tensors[1])


def test_a_sound_graph_passes():
    graph = model(samples=Samples((np.zeros((4, 1, 3), np.int8),), np.zeros(4, np.int64)))
    assert validate(graph) is graph


BAD_REQUANTIZATION = Requantization(np.array([5], np.int32), np.zeros(1, np.int32))
CASES = {
    "type 'int3'": {"tensors": tensors(dtype="int3")},
    r"shape \(0, 3\)": {"tensors": tensors(shape=(0, 3))},
    "would take": {"tensors": tensors(shape=(1 << 20, 1 << 20))},
    "scale nan": {"tensors": tensors(quantization=Quantization(float("nan"), 0))},
    "scale 0.1 must be": {"tensors": tensors(quantization=Quantization(0.1, 0))},
    r"zero point 200 is outside \[-128, 127\]": {
        "tensors": tensors(quantization=Quantization(0.5, 200))
    },
    "holds float64": {"tensors": tensors(data=np.zeros((1, 3)))},
    "no input": {"inputs": ()},
    "listed twice": {"inputs": (0, 0)},
    "index 9 is outside": {"outputs": (9,)},
    "uses tensor 7": {"nodes": node(inputs=(7,))},
    "before it is written": {"nodes": node(inputs=(1,))},
    "already has a value": {"nodes": node(outputs=(0,))},
    "never written": {"nodes": ()},
    "same name": {"nodes": model().nodes * 2},
    "unknown operator": {"nodes": node(op="magic")},
    "not a FullyConnected": {"nodes": node(params=Reshape((1, 3)))},
    "another number of inputs": {"nodes": node(inputs=(0, 0))},
    "declared int8": {"tensors": (model().tensors[0], Tensor("y", (1, 5), "int8"))},
    r"bias is int32\[3\]": {"nodes": node(params=layer(bias=np.zeros(3, np.int32)))},
    "weights is float32": {"nodes": node(params=layer(weights=np.ones((2, 3), np.float32)))},
    "needs multipliers": {"nodes": node(params=layer(requantization=BAD_REQUANTIZATION))},
    "activation range": {"nodes": node(params=layer(activation_range=(5, 4)))},
    "activation maximum 300": {"nodes": node(params=layer(activation_range=(0, 300)))},
    "input zero point": {"nodes": node(params=layer(input_zero_point=-129))},
    "'wide' goes with": {"nodes": node(params=layer(bias=np.zeros(2, np.int64)))},
    "weight_bits is 5": {"nodes": node(params=layer(weight_bits=5))},
    "outside \\[-8, 7\\]": {
        "nodes": node(params=layer(weight_bits=4, weights=np.full((2, 3), 8, np.int8)))
    },
    "rows of 4": {"nodes": node(params=layer(weights=np.ones((2, 4), np.int8)))},
    "samples have 0 inputs": {"samples": Samples(())},
    "samples of 'x'": {"samples": Samples((np.zeros((4, 3), np.int8),))},
    "different lengths": {
        "samples": Samples((np.zeros((4, 1, 3), np.int8),), np.zeros(3, np.int64))
    },
}


@pytest.mark.parametrize("sentence", CASES)
def test_an_unsound_graph_is_refused(sentence):
    with pytest.raises(ModelError, match=sentence):
        validate(model(**CASES[sentence]))


def test_an_operator_that_moves_values_may_not_write_the_state_it_reads():
    state = Tensor("s", (1, 3), "int8", reset_value=0)
    turn = StridedSlice((0, 2), (1, -1), (1, 3))
    graph = model(
        tensors=(model().tensors[0], state, Tensor("y", (1, 3), "int8")),
        nodes=(
            Node("turn", "strided_slice", turn, (1,), (1,)),
            Node("show", "reshape", Reshape((1, 3)), (1,), (2,)),
        ),
        outputs=(2,),
    )
    with pytest.raises(ModelError, match="reads and writes state 's', which strided_slice cannot"):
        validate(graph)


@pytest.mark.parametrize("op", sorted(IN_PLACE - {"lstm", "svdf"}))
def test_operators_that_may_do_so_compute_it(op):
    found = 0
    for seed in range(60):
        made, inputs = onto_state(*LAYERS[op](np.random.default_rng(seed)))
        if made is not None:
            found += 1
            (want,), (host,) = reference.run(made, inputs), HostModel(made).run(inputs)
            assert want.tobytes() == host.tobytes(), f"seed {seed}"
    assert found > 5


def onto_state(made, inputs):
    """The layer with an input that looks like its output as state, or None where none does."""
    (one,) = made.nodes
    y = made.tensors[one.outputs[0]]
    alike = [
        i
        for i in one.inputs
        if made.tensors[i].data is None
        and (made.tensors[i].shape, made.tensors[i].dtype) == (y.shape, y.dtype)
    ]
    if not alike or y.dtype not in ("int8", "int16"):
        return None, None
    state, clock = alike[0], len(made.tensors)
    tensors = [*made.tensors, Tensor("clock", (1,), "int8")]
    tensors[state] = replace(tensors[state], reset_value=1)
    kept = {i: a for i, a in zip(made.inputs, inputs, strict=True) if i != state}
    graph = replace(
        made,
        tensors=tuple(tensors),
        nodes=(replace(one, outputs=(state,)),),
        inputs=(*kept, clock),
        outputs=(state,),
    )
    return validate(graph), (*kept.values(), np.zeros((len(inputs[0]), 1), np.int8))
