"""What can be wrong with a GPU, and with what it is given: a sentence each."""

import types

import numpy as np
import pytest

from qembed.backends.gpu import device, lowering
from qembed.backends.gpu.model import GpuModel
from qembed.errors import InputError, ToolError, UnsupportedError
from support.cuda import cupy
from support.layers import LAYERS
from support.networks import network


def missing_driver(world):
    def refuse():
        raise cupy.CUDARuntimeError(
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient"
        )

    world.cuda.runtime.getDeviceCount = refuse
    world.cuda.runtime.driverGetVersion = lambda: 0


def old_driver(world):
    missing_driver(world)
    world.cuda.runtime.driverGetVersion = lambda: 11040


def no_device(world):
    def refuse():
        raise cupy.CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")

    world.cuda.runtime.getDeviceCount = refuse


def hidden_device(world):
    world.cuda.runtime.getDeviceCount = lambda: 0


def old_device(world):
    made = world.cuda.Device()
    made.compute_capability = "61"
    world.cuda.Device = lambda: made


def refusing_compiler(world):
    def refuse(name):
        raise cupy.CompileException("nvrtc: error: invalid value for --gpu-architecture\nmore")

    world.RawModule = lambda *, code, options: types.SimpleNamespace(get_function=refuse)


def missing_compiler(world):
    def refuse(name):
        raise RuntimeError("CuPy failed to load libnvrtc.so.12:\nOSError: no such file")

    world.RawModule = lambda *, code, options: types.SimpleNamespace(get_function=refuse)


def lost_device(world):
    def fail(*_, **__):
        raise cupy.CUDADriverError("CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access")

    world.RawModule = lambda *, code, options: types.SimpleNamespace(get_function=lambda _: fail)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (missing_driver, "no GPU can be used: there is no NVIDIA driver; or take --form host"),
        (old_driver, "the NVIDIA driver is for CUDA 11.4, CuPy for CUDA 12.9: update the driver"),
        (no_device, "no GPU can be used: cudaErrorNoDevice"),
        (hidden_device, "the driver shows none; take --form host"),
        (old_device, "has compute capability 61, without int8 tensor cores; take a GPU of 7.5"),
        (refusing_compiler, "compiler refuses the kernels: nvrtc: error: invalid value for"),
        (missing_compiler, "the GPU failed: CuPy failed to load libnvrtc.so.12"),
        (lost_device, "the GPU failed: CUDA_ERROR_ILLEGAL_ADDRESS"),
    ],
)
def test_what_is_wrong_with_the_gpu_is_a_sentence(damage, sentence):
    graph, inputs = LAYERS["add"](np.random.default_rng(0))
    world = cupy.module(cupy.World())
    damage(world)
    with cupy.replaced_by(world), pytest.raises(ToolError) as caught:
        GpuModel(graph).run(inputs)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_cupy_that_is_not_installed_is_named():
    with cupy.replaced_by(None), pytest.raises(ToolError, match=r"pip install 'qembed\[gpu\]'"):
        device.gpu()


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ([], "the model has 1 inputs, 0 were given"),
        ([[1]], "input 'image' is a list, must be a NumPy array int8"),
        ([np.zeros((1, 2), np.int8)], r"is int8\[1, 2\], must be int8\[B, 1,"),
        ([np.zeros((2, 2), np.float32)], r"is float32\[2, 2\], must be int8\[B, 1,"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, sentence):
    with cupy.installed():
        model = GpuModel(network(0))
        with pytest.raises(InputError, match=sentence):
            model.run(inputs)
        empty = np.zeros((0, *model.graph.tensors[0].shape), np.int8)
        with pytest.raises(InputError, match="at least one sample"):
            model.run(empty)


def test_samples_of_two_inputs_must_be_as_many():
    graph, inputs = next(
        made
        for seed in range(99)
        if len((made := LAYERS["mul"](np.random.default_rng(seed)))[1]) > 1
    )
    with cupy.installed(), pytest.raises(InputError, match="the first one"):
        GpuModel(graph).run([inputs[0], np.concatenate([inputs[1]] * 2)])


def test_not_a_number_is_refused():
    graph, inputs = next(
        made
        for seed in range(99)
        if (made := LAYERS["quantize"](np.random.default_rng(seed)))[1][0].dtype == np.float32
    )
    inputs[0].flat[0] = np.nan
    with cupy.installed(), pytest.raises(InputError, match="holds NaN"):
        GpuModel(graph).run(inputs)


def test_all_nodes_without_a_kernel_are_listed(monkeypatch):
    real = lowering.lower

    def without_some(op):
        if op in ("conv", "fully_connected"):
            raise UnsupportedError("no kernel computes this operator")
        return real(op)

    graph = network(3)
    monkeypatch.setattr(lowering, "lower", without_some)
    with cupy.installed(), pytest.raises(UnsupportedError) as caught:
        GpuModel(graph)
    for node in graph.nodes:
        named = f"node '{node.name}' ({node.op}): no kernel" in str(caught.value)
        assert named == (node.op in ("conv", "fully_connected"))


def test_an_operator_without_a_module_has_no_kernel():
    with pytest.raises(UnsupportedError, match="no kernel computes this operator"):
        lowering.lower("hologram")
