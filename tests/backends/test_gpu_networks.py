"""Whole networks on the GPU form: fused in all ways, batched, with state; and races, planted."""

import numpy as np
import pytest

from qembed.backends import reference
from qembed.backends.gpu.model import GpuModel
from qembed.backends.host import HostModel
from qembed.errors import ToolError
from qembed.importers import import_model
from qembed.ir import Graph, Node, Tensor
from qembed.ops.concatenation import Concatenation
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.l2_normalization import L2Normalization
from qembed.ops.reshape import Reshape
from qembed.ops.strided_slice import StridedSlice
from qembed.validate import validate
from support.cuda import build, cupy
from support.forms import assert_equal
from support.layers import LAYERS, values
from support.networks import Builder, network, sums

ORDERS = range(4)
NETWORKS = ("kws_int8", "ic_int8", "ad_int8", "person_detect", "micro_speech", "hello_world_int8")


def drawn_inputs(graph: Graph, count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [values(rng, (count, *t.shape), t.dtype) for t in tensors]


def run(graph: Graph, inputs, fuse: bool = True, **settings):
    """Outputs, and the names of the kernels in their order."""
    with cupy.installed(**settings) as world:
        outputs = GpuModel(graph, fuse).run(inputs)
    return outputs, [name.removeprefix("qe_") for name, _ in world.launches]


def assert_equals_host(graph: Graph, inputs, fuse: bool = True, **settings) -> list[str]:
    """Compare outputs; returns the kernels."""
    ours, kernels = run(graph, inputs, fuse, **settings)
    # The reference where it is quick.
    truth = reference.run if graph.state else lambda g, x: HostModel(g).run(x)
    for mine, theirs in zip(ours, truth(graph, inputs), strict=True):
        assert_equal(mine, theirs, f"{graph.name}, {settings}")
    return kernels


def separable(seed: int) -> Graph:
    """A depthwise convolution of an image, a pixelwise one, and what no whole network may have."""
    rng = np.random.default_rng(seed)
    graph = Builder((1, 30, 30, 16))
    taps, weights = (
        rng.integers(-127, 128, s).astype(np.int8) for s in ((3, 3, 16), (24, 1, 1, 16))
    )
    place = {"stride": (1, 1), "padding": ((1, 1), (1, 1))}
    middle = graph.add("depthwise_conv", DepthwiseConv(**sums(rng, taps, 16, 9), **place), 0)
    place = {"stride": (1, 1), "padding": ((0, 0), (0, 0))}
    top = graph.add("conv", Conv(**sums(rng, weights, 24, 16), **place), middle)
    y = graph.add("l2_normalization", L2Normalization(4), top)
    return validate(Graph("separable", tuple(graph.tensors), tuple(graph.nodes), (0,), (y,)))


@pytest.mark.parametrize("seed", range(24))
def test_random_networks(seed):
    graph = network(seed)
    inputs = drawn_inputs(graph, 5, seed)
    assert assert_equals_host(graph, inputs, order=seed % 4) == ["network"]
    assert "network" not in assert_equals_host(graph, inputs, shared=0, order=(seed + 1) % 4)
    assert_equals_host(graph, inputs, fuse=False, order=(seed + 2) % 4)


@pytest.mark.parametrize("order", ORDERS)
def test_a_depthwise_and_a_pixelwise_layer_are_one_kernel(order):
    """Also where a block takes several tiles, and where the last one is not full."""
    graph = separable(order)
    inputs = drawn_inputs(graph, 3)
    kernels = assert_equals_host(graph, inputs, order=order)
    assert kernels == ["depthwise_pointwise", "l2_normalization_int8"]
    kernels = assert_equals_host(graph, inputs, fuse=False, order=order)
    assert kernels == ["depthwise_quads", "conv_matrix", "l2_normalization_int8"]


def test_a_tensor_that_others_read_is_not_fused_away():
    fused = separable(0)
    shown = validate(Graph("both", fused.tensors, fused.nodes, fused.inputs, (*fused.outputs, 1)))
    kernels = assert_equals_host(shown, drawn_inputs(shown, 2))
    assert kernels == ["depthwise_quads", "conv_matrix", "l2_normalization_int8"]


# A barrier of the kernels, in the order of the text, and what shows that it is needed.
def race(barrier: int):
    """Graphs with inputs and settings for which the kernel with that barrier runs."""
    if barrier < 2:
        return [(separable(0), drawn_inputs(separable(0), 3), {})]
    if barrier < 4:
        make = LAYERS[("lstm", "svdf")[barrier - 2]]
        return [(*make(np.random.default_rng(seed)), {}) for seed in range(12)]
    return [(network(seed), drawn_inputs(network(seed), 2), {}) for seed in range(2)]


@pytest.mark.parametrize("barrier", range(5))
def test_every_barrier_is_needed(barrier):
    """Without it, some order of the threads gives other bytes: the shim sees races."""
    assert build.barriers() == 5
    different = 0
    for graph, inputs, settings in race(barrier):
        truth = HostModel(graph).run(inputs)
        for order in ORDERS:
            ours, _ = run(graph, inputs, order=order, options=("-O0",), without=barrier, **settings)
            different += any(a.tobytes() != b.tobytes() for a, b in zip(ours, truth, strict=True))
    assert different


def test_a_batch_that_memory_cannot_hold_is_cut():
    graph = network(1)
    inputs = drawn_inputs(graph, 300)
    assert assert_equals_host(graph, inputs) == ["network"]
    few = assert_equals_host(graph, inputs, claimed=150_000)
    assert len(few) > 1
    # The driver promises more than an allocation then gets.
    assert len(assert_equals_host(graph, inputs, memory=120_000)) > 1


def test_no_memory_for_one_sample_is_a_sentence():
    graph = network(1)
    with pytest.raises(
        ToolError, match=r"a CPU in a GPU's place has \d+ bytes of memory left, and"
    ):
        run(graph, drawn_inputs(graph, 3), memory=100)


def test_memory_is_taken_once_and_grows_with_the_batch():
    graph = network(2)
    with cupy.installed() as world:
        model = GpuModel(graph)
        for count in (3, 1, 3, 40, 7):
            inputs = drawn_inputs(graph, count, count)
            for mine, theirs in zip(model.run(inputs), HostModel(graph).run(inputs), strict=True):
                assert_equal(mine, theirs, f"{count} samples")
    assert len(world.launches) == 5


@pytest.mark.parametrize("op", ["svdf", "lstm"])
def test_state_goes_on_from_run_to_run(op):
    graph, _ = LAYERS[op](np.random.default_rng(3))
    inputs = drawn_inputs(graph, 9)
    (whole,) = HostModel(graph).run(inputs)
    with cupy.installed(order=2):
        model = GpuModel(graph)
        parts = [
            model.run([x[start : start + 3] for x in inputs], keep_state=start > 0)[0]
            for start in (0, 3, 6)
        ]
        assert_equal(np.concatenate(parts), whole, op)
        assert_equal(model.run(inputs)[0], whole, f"{op}, from the start again")


def shift_register() -> Graph:
    """A state whose own values move by one place; state is shown."""
    tensors = (
        Tensor("x", (1, 1), "int8"),
        Tensor("state", (1, 300), "int8", reset_value=7),
        Tensor("joined", (1, 301), "int8"),
        Tensor("reversed", (1, 300), "int8", reset_value=-3),
        Tensor("turned", (1, 300), "int8"),
        Tensor("turned back", (1, 300), "int8"),
    )
    nodes = (
        Node("join", "concatenation", Concatenation(1), (1, 0), (2,)),
        Node("keep", "strided_slice", StridedSlice((0, 1), (1, 1), (1, 300)), (2,), (1,)),
        Node("turn", "strided_slice", StridedSlice((0, 299), (1, -1), (1, 300)), (3,), (4,)),
        Node("back", "strided_slice", StridedSlice((0, 299), (1, -1), (1, 300)), (1,), (5,)),
        Node("set", "reshape", Reshape((1, 300)), (5,), (3,)),
    )
    return validate(Graph("register", tensors, nodes, (0,), (1, 3, 4)))


@pytest.mark.parametrize("shared", [0, 100 << 10])
def test_a_state_is_read_before_it_is_written_and_may_be_an_output(shared):
    graph = shift_register()
    for order in ORDERS:
        assert_equals_host(graph, drawn_inputs(graph, 6), shared=shared, order=order)


@pytest.mark.parametrize("seed", range(4))
def test_a_trace_has_every_tensor(seed):
    for graph in (network(seed), shift_register(), LAYERS["svdf"](np.random.default_rng(seed))[0]):
        inputs = drawn_inputs(graph, 4)
        with cupy.installed(order=seed):
            ours = GpuModel(graph).trace(inputs)
        theirs = reference.trace(graph, inputs)
        assert set(ours) == set(theirs)
        for index, array in theirs.items():
            assert_equal(ours[index], array, f"{graph.name}, tensor {index}")


def test_outputs_that_are_inputs_constants_or_listed_twice():
    data = np.arange(4, dtype=np.int8).reshape(1, 4)
    tensors = (
        Tensor("x", (2, 2), "int8"),
        Tensor("constant", (1, 4), "int8", data=data),
        Tensor("y", (1, 4), "int8"),
    )
    nodes = (Node("flat", "reshape", Reshape((1, 4)), (0,), (2,)),)
    graph = validate(Graph("outputs", tensors, nodes, (0,), (2, 0, 1, 2)))
    assert_equals_host(graph, drawn_inputs(graph, 3))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_equal_the_host(shared, name):
    graph = import_model(shared / f"models/{name}.tflite")
    inputs = drawn_inputs(graph, 4)
    for order in (1, 2):
        assert assert_equals_host(graph, inputs, order=order) == ["network"]
    assert_equals_host(graph, inputs, shared=48 << 10, order=3)
    assert_equals_host(graph, inputs, fuse=False)


def test_a_stream_equals_the_host(shared):
    graph = import_model(shared / "models/okay_nabu.tflite")
    inputs = drawn_inputs(graph, 40)
    assert assert_equals_host(graph, inputs, order=2) == ["network"]
    assert_equals_host(graph, inputs, fuse=False, order=3)
