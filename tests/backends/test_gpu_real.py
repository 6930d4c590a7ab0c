"""The GPU form on a GPU. Runs by itself wherever there is one."""

import numpy as np
import pytest

from qembed.backends import reference
from qembed.backends.gpu import device
from qembed.backends.gpu.model import GpuModel
from qembed.backends.host import HostModel
from qembed.errors import ToolError
from qembed.importers import import_model
from support.forms import assert_equal
from support.layers import LAYERS, values
from support.networks import network


@pytest.fixture(scope="module", autouse=True)
def gpu():
    """Skip where the machine has no GPU; one that does not work is a failure."""
    try:
        import cupy
    except ImportError:
        pytest.skip("CuPy is not installed: no GPU here")
    if not cupy.cuda.is_available():
        pytest.skip("no GPU here")
    return device.gpu()


@pytest.mark.parametrize("op", LAYERS)
def test_equals_reference(op):
    for seed in range(40):
        made, inputs = LAYERS[op](np.random.default_rng(seed))
        for mine, definition in zip(
            GpuModel(made, fuse=seed % 2 == 0).run(inputs),
            reference.run(made, inputs),
            strict=True,
        ):
            assert_equal(mine, definition, f"{op}, seed {seed}")


def assert_equals_host(graph, count):
    rng = np.random.default_rng(count)
    inputs = [values(rng, (count, *graph.tensors[i].shape), "int8") for i in graph.inputs]
    theirs = HostModel(graph).run(inputs)
    for fuse in (True, False):
        for mine, truth in zip(GpuModel(graph, fuse).run(inputs), theirs, strict=True):
            assert_equal(mine, truth, f"{graph.name}, fused: {fuse}")


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed):
    assert_equals_host(network(seed), 3000)


@pytest.mark.parametrize(
    "name",
    ["kws_int8", "ic_int8", "ad_int8", "person_detect", "micro_speech", "hello_world_int8"],
)
def test_networks(shared, name):
    assert_equals_host(import_model(shared / f"models/{name}.tflite"), 5000)


def test_a_stream(shared):
    assert_equals_host(import_model(shared / "models/okay_nabu.tflite"), 300)


def test_memory_that_others_hold_makes_batches_smaller():
    import cupy

    graph = network(0)
    free, _ = cupy.cuda.runtime.memGetInfo()
    held = cupy.cuda.alloc(max(0, free - (64 << 20)))
    try:
        assert_equals_host(graph, 100_000)
    except ToolError as error:  # the driver itself may need what is left
        assert "memory" in str(error)
    del held
