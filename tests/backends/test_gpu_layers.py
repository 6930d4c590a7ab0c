"""Every GPU kernel, its threads run in several orders on this CPU, against the definition."""

import re
from dataclasses import replace

import numpy as np
import pytest

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.backends.gpu import source
from qembed.backends.gpu.lowering import lower
from qembed.backends.gpu.model import GpuModel
from qembed.backends.gpu.records import Blob, layout
from qembed.ir import Tensor
from qembed.ops import OPERATORS
from qembed.ops.batch_matmul import BatchMatmul
from qembed.ops.fully_connected import FullyConnected
from support.cuda import cupy
from support.desktop_layers import DESKTOP_LAYERS
from support.forms import assert_equal
from support.layers import LAYERS, graph, with_batch

SEEDS = range(30)
ORDERS = 4
TURING = ("-O2", "-D__CUDA_ARCH__=750")
"""Compute capability 7.5 multiplies smaller tiles."""


def of_int64(op: str):
    """A movement of the widest values."""

    def make(rng):
        made, _ = LAYERS[op](rng)
        node = made.nodes[0]
        inputs = [made.tensors[i] for i in node.inputs]
        inputs = [t if t.name == "at" else replace(t, dtype="int64", data=None) for t in inputs]
        return with_batch(rng, graph(op, node.params, inputs))

    return make


def with_wide_sums(op: str):
    """A layer of int8 whose sums have 64 bits."""

    def make(rng):
        made, _ = LAYERS[op](rng)
        while made.tensors[0].dtype != "int8":
            made, _ = LAYERS[op](rng)
        params, by = made.nodes[0].params, made.nodes[0].params.requantization
        wide = Requantization(by.multiplier, np.minimum(by.shift, 7), "wide")
        params = replace(params, bias=params.bias.astype(np.int64) << 8, requantization=wide)
        return with_batch(rng, graph(op, params, [made.tensors[0]]))

    return make


def batch_matmul_of_int16(rng):
    made, _ = LAYERS["batch_matmul"](rng)
    by = Requantization(np.array([1 << 30], np.int32), np.array([-12], np.int32), "wide")
    params = BatchMatmul(
        made.nodes[0].params.transpose1, made.nodes[0].params.transpose2, by, 0, 0, 0
    )
    inputs = [replace(made.tensors[i], dtype="int16", data=None) for i in made.nodes[0].inputs]
    return with_batch(rng, graph("batch_matmul", params, inputs))


def quantize(source: str, target: str):
    """A layer between two types."""

    def make(rng):
        while True:
            made, inputs = LAYERS["quantize"](rng)
            if [t.dtype for t in made.tensors] == [source, target]:
                return made, inputs

    return make


SUMS = ("conv", "depthwise_conv", "fully_connected", "transpose_conv")
RARE = {
    **{f"{op} of int64": of_int64(op) for op in ("concatenation", "gather_at", "transpose")},
    **{f"{op} with wide sums": with_wide_sums(op) for op in SUMS},
    "batch_matmul of int16": batch_matmul_of_int16,
    **{
        f"quantize {source} to {target}": quantize(source, target)
        for source in ("float32", "int8", "uint8", "int16", "int32")
        for target in ("int8", "uint8", "int16", "int32")
    },
}
"""What a model file may hold beside what is drawn everywhere."""


def assert_equals_reference(make, seed: int, **settings) -> None:
    made, inputs = make(np.random.default_rng(seed))
    with cupy.installed(order=seed % ORDERS, **settings):
        ours = GpuModel(made, fuse=seed % 3 == 0).run(inputs)
    for mine, definition in zip(ours, reference.run(made, inputs), strict=True):
        assert_equal(mine, definition, f"{made.nodes[0].op}, seed {seed}")


@pytest.mark.parametrize("op", LAYERS)
def test_equals_reference(op, capfd):
    for seed in SEEDS:
        assert_equals_reference(LAYERS[op], seed)
    assert "runtime error" not in capfd.readouterr().err  # no overflow, no index out of bounds


@pytest.mark.parametrize("what", RARE)
def test_rare_layers_equal_reference(what):
    for seed in SEEDS:
        assert_equals_reference(RARE[what], seed)


@pytest.mark.parametrize("op", DESKTOP_LAYERS)
def test_desktop_roundings_equal_reference(op):
    for seed in SEEDS:
        assert_equals_reference(DESKTOP_LAYERS[op], seed)


@pytest.mark.parametrize("op", ["conv", "fully_connected"])
def test_equals_reference_with_the_tiles_of_turing(op):
    for seed in SEEDS:
        assert_equals_reference(LAYERS[op], seed, options=TURING)


@pytest.mark.parametrize("rounding", ["double", "single"])
def test_every_accumulator_in_a_row(rounding):
    """Two inputs reach 32,768 neighbouring accumulators: all ties and ends of the scaling."""
    rng = np.random.default_rng(0)
    channels = 24
    shift = rng.integers(-12, -5, channels).astype(np.int32)
    shift[:8] = [0, 1, 3, -20, -31, 15, 30, -16]
    multiplier = rng.integers(1 << 30, 1 << 31, channels)
    multiplier[8:20] = [1 << 30, (1 << 31) - 1, 0, (1 << 30) + 1] * 3
    params = FullyConnected(
        weights=np.tile(np.array([[1, -128]], np.int8), (channels, 1)),
        bias=rng.integers(-40_000, 40_000, channels).astype(np.int32),
        requantization=Requantization(multiplier.astype(np.int32), shift, rounding),
        input_zero_point=3,
        output_zero_point=-7,
        activation_range=(-128, 127),
    )
    made = graph("fully_connected", params, [Tensor("x", (1, 2), "int8")])
    x = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), -1).astype(np.int8)
    x = x.reshape(-1, 1, 2)
    with cupy.installed(order=3):
        ours = GpuModel(made).run(x)[0]
    definition = OPERATORS["fully_connected"].reference(params, x.reshape(-1, 2))
    assert_equal(ours, definition.reshape(ours.shape), rounding)


def test_every_operator_is_drawn_and_every_kernel_used():
    """No kernel is in the text that nothing here has run."""
    assert set(LAYERS) == set(OPERATORS)
    used = set()
    draws = [(make, seed) for make in LAYERS.values() for seed in SEEDS]
    for make, seed in [*draws, *((make, 0) for make in RARE.values())]:
        node = (made := make(np.random.default_rng(seed))[0]).nodes[0]
        inputs, outputs = ([made.tensors[i] for i in ids] for ids in (node.inputs, node.outputs))
        used |= {launch.kernel for launch in lower(node.op)(node.params, inputs, outputs)}
    names = re.findall(r"^ *QE_KERNEL\((\S+),", source.text(), re.M)
    inputs = re.findall(r"^QE_QUANTIZE\(\S+ (\w+)\)", source.text(), re.M)
    assert used == {name.replace("##name##", x) for name in names for x in inputs}
    assert set(source.network_kernels()) <= used


def test_a_record_is_laid_out_as_its_text_says():
    assert layout("Operand").itemsize == 24
    assert layout("Step").fields["in"][1] == 8 and layout("Step").itemsize == 8 + 7 * 24 + 8
    scale = layout("Scale")
    assert [scale.fields[name][1] for name in scale.names] == [0, 4, 8, 12, 16, 24]


def test_pointers_of_a_record_follow_the_memory_it_lies_in():
    blob = Blob()
    blob.array(np.zeros(5, np.int8))
    start = blob.record("Lookup", {"items": 5, "table": np.arange(3, dtype=np.int8)})
    at = 1 << 40
    made = blob.bytes_at(at)
    record = made[start : start + layout("Lookup").itemsize].view(layout("Lookup"))[0]
    place = int(record["table"]) - at
    assert record["items"] == 5 and made[place : place + 3].tolist() == [0, 1, 2]


@pytest.mark.parametrize("values", [{"items": 1}, {"items": 1, "table": None, "more": 2}])
def test_a_record_takes_every_field_and_no_other(values):
    with pytest.raises(KeyError, match="table"):
        Blob().record("Lookup", values)
