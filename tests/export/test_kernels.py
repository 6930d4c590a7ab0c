"""Every device kernel, as a library of this machine, against the definition."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.errors import UnsupportedError
from qembed.export import fields
from qembed.export.lowering import CArray
from qembed.export.ops import LOWERINGS, TUNED, candidates, lower
from qembed.ir import Tensor
from qembed.ops import OPERATORS
from qembed.ops.add import SumScale
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected
from qembed.targets import Target
from support import layers, native
from support.forms import assert_equal
from support.layers import LAYERS

SEEDS = st.integers(0, 2**32 - 1)
MULTIPLIES = ["add", "conv", "softmax"]  # between them, every use of qe_high_multiply()


def compare(op, seed, lib=None):
    graph, inputs = LAYERS[op](np.random.default_rng(seed))
    ours = native.run(graph, inputs, lib)
    theirs = reference.run(graph, inputs)
    for mine, definition in zip(ours, theirs, strict=True):
        assert_equal(mine, definition, f"{op}, seed {seed}")


@pytest.mark.parametrize("op", LAYERS)
@given(seed=SEEDS)
def test_equals_reference(op, seed):
    compare(op, seed)


@pytest.mark.parametrize("op", MULTIPLIES)
@given(seed=SEEDS)
def test_equals_reference_without_a_long_multiply(op, seed):
    compare(op, seed, native.library("-DQE_LONG_MULTIPLY=0"))


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("op", ["conv", "depthwise_conv", "fully_connected"])
def test_sums_of_int16_may_need_more_than_32_bits(op, bits):
    """Many extreme products of one sign, and biases whose halves have different signs."""
    taps, weight = 40 * 40, -(1 << bits - 1)
    bias = np.int64([0, (1 << 34) + 5, -(1 << 34) - 5, (1 << 34) + (1 << 31) + 5])
    # Sums end up near 2**33, and come down to some thousands.
    by = Requantization(np.full(4, 1 << 30, np.int32), np.full(4, -21, np.int32), "wide")
    shared = {
        "bias": bias,
        "requantization": by,
        "input_zero_point": 0,
        "output_zero_point": 0,
        "activation_range": (-32768, 32767),
        "weight_bits": bits,
    }
    geometry = {"stride": (1, 1), "padding": ((0, 0), (0, 0))}
    if op == "conv":
        weights = np.full((4, 1, 1, taps), weight, np.int8)
        made = layers.graph(op, Conv(weights, **shared, **geometry), [int16((1, 1, 1, taps))])
    elif op == "depthwise_conv":
        weights = np.full((40, 40, 4), weight, np.int8)
        params = DepthwiseConv(weights, **shared, **geometry)
        made = layers.graph(op, params, [int16((1, 40, 40, 4))])
    else:
        weights = np.full((4, taps), weight, np.int8)
        made = layers.graph(op, FullyConnected(weights, **shared), [int16((1, taps))])
    inputs = [np.full((1, *made.tensors[0].shape), -32768, np.int16)]
    (want,) = reference.run(made, inputs)
    assert np.unique(want).size == 4
    assert np.abs(want.astype(int)).max() < 32767
    assert_equal(native.run(made, inputs)[0], want, op)


def int16(shape):
    return Tensor("x", shape, "int16")


def test_every_operator_is_lowered_and_drawn():
    assert set(LOWERINGS) == set(OPERATORS)
    assert set(LAYERS) == set(OPERATORS)


@pytest.mark.parametrize("op", LAYERS)
def test_lowering_names_what_exists(op):
    """Files, function and constant arrays: what the exporter relies on."""
    graph, _ = LAYERS[op](np.random.default_rng(1))
    lowering = lower(graph.nodes[0], graph, native.TARGET)
    kernels = native.KERNELS
    assert lowering.stem == op
    assert all((kernels / "src" / source).is_file() for source in lowering.sources)
    declared = "".join((kernels / "include" / h).read_text() for h in lowering.headers)
    assert re.search(rf"\bvoid {lowering.function}\(", declared)
    assert re.search(rf"\b{lowering.params_type};", declared)
    suffixes = [array.suffix for array in lowering.arrays]
    assert len(set(suffixes)) == len(suffixes)
    assert all(suffix.isidentifier() for suffix in suffixes)
    assert all(isinstance(array, CArray) for array in lowering.arrays)


@pytest.mark.parametrize("op", LAYERS)
def test_a_target_without_a_fitting_variant_is_refused(op):
    graph, _ = LAYERS[op](np.random.default_rng(1))
    odd = Target("odd", "", "", (), (), ("none such",))
    with pytest.raises(UnsupportedError, match=r"'layer'.*no kernel of target 'odd' fits"):
        lower(graph.nodes[0], graph, odd)


@pytest.mark.parametrize("variant", ["portable", *TUNED])
@pytest.mark.parametrize("op", ["conv", "depthwise_conv", "fully_connected"])
def test_the_rounding_of_a_desktop_runtime_is_refused(op, variant):
    """It is exact in simulation and would be silently another one on the device."""
    graph, _ = LAYERS[op](np.random.default_rng(1))
    node = graph.nodes[0]
    by = replace(node.params.requantization, rounding="float32")
    node = replace(node, params=replace(node.params, requantization=by))
    with pytest.raises(UnsupportedError, match=r"'layer'.*rounding 'float32' reproduces a desktop"):
        candidates(node, graph, native.target_of(variant))


@pytest.mark.parametrize("variant", ["portable", *TUNED])
def test_the_addition_of_a_desktop_runtime_is_refused(variant):
    graph, _ = LAYERS["add"](np.random.default_rng(1))
    node = graph.nodes[0]
    node = replace(node, params=replace(node.params, sum_scale=SumScale(1, 1, 20)))
    with pytest.raises(UnsupportedError, match=r"'layer'.*reproduces a desktop"):
        candidates(node, graph, native.target_of(variant))


def test_four_bit_weights_are_packed_low_half_first():

    packed = fields.weights(np.int8([[1, -2, 7], [-8, 0, 3]]), 4).values
    assert packed.view(np.uint8).tolist() == [0xE1, 0x87, 0x30]
    odd = fields.weights(np.int8([-1, 5, -3]), 4).values
    assert odd.view(np.uint8).tolist() == [0x5F, 0x0D]


def test_wide_biases_keep_their_upper_half():

    by = Requantization(np.int32([1 << 30]), np.int32([0]), "wide")
    narrow = fields.output_stage(np.int64([5, -7]), by, 0, (-128, 127))
    assert narrow["bias_high"] is None
    wide = fields.output_stage(np.int64([5, -(1 << 40) - 1]), by, 0, (-128, 127))
    joined = wide["bias_high"].values.astype(np.int64) << 32 | wide["bias"].values.view(np.uint32)
    assert joined.tolist() == [5, -(1 << 40) - 1]


@given(st.data())
def test_a_walk_visits_what_numpy_indexes(data):

    shape = tuple(data.draw(st.lists(st.integers(1, 4), max_size=6)))
    order = data.draw(st.permutations(range(len(shape))))
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    strides = fields.dense_strides(shape)
    (walk,) = fields.walks(["w"], tuple(shape[i] for i in order), [[strides[i] for i in order]])
    extents, steps = (
        [] if walk[k] is None else walk[k].values.tolist() for k in ("extents", "steps")
    )
    visited, at, index = [], 0, [0] * walk["rank"]
    while True:
        visited += [at + i * walk["run_stride"] for i in range(walk["run"])]
        axis = walk["rank"] - 1
        while axis >= 0 and index[axis] + 1 == extents[axis]:
            index[axis] = 0
            axis -= 1
        if axis < 0:
            break
        index[axis] += 1
        at += steps[axis]
    assert visited == array.transpose(order).reshape(-1).tolist()


def test_a_write_outside_a_buffer_is_noticed():
    """The guards themselves."""
    buffer = native.Buffer(np.zeros(3, np.int8))
    buffer.check("it")
    buffer.memory[buffer.start + 3] = 0
    with pytest.raises(AssertionError, match="wrote outside it"):
        buffer.check("it")


def test_a_member_that_the_header_does_not_have_is_noticed():
    graph, (x,) = LAYERS["reshape"](np.random.default_rng(1))
    lowering = lower(graph.nodes[0], graph, native.TARGET)
    wrong = type(lowering)(
        **{name: getattr(lowering, name) for name in lowering.__slots__} | {"fields": {"size": 1}}
    )
    with pytest.raises(AssertionError, match=r"qe_reshape_params has \['bytes'\]"):
        native.call(wrong, [x[0]], [x[0].copy()])
