"""NVIDIA's compiler takes every kernel, for every kind of GPU, and makes of it what is meant."""

import re

import pytest

from qembed.backends.gpu.source import text
from support.cuda import nvrtc

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100")
TENSOR_CORES = ("qe_conv_matrix", "qe_depthwise_pointwise", "qe_network")
DOT_PRODUCTS = ("qe_depthwise_quads", "qe_depthwise_pointwise", "qe_network")

CALLERS = ("qe_lstm_int8", "qe_lstm_int16")
"""Their many scales are functions that they call, which takes a stack; others need no memory."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_to_what_is_meant(architecture, tmp_path):
    binary, log = nvrtc.compile_for(architecture)
    assert "warning" not in log
    assert set(re.findall(r"for (\w+)\n.*?[1-9]\d* bytes spill", log)) <= set(CALLERS)
    path = tmp_path / "kernels.cubin"
    path.write_bytes(binary)
    kernels = nvrtc.disassemble(path)
    written = set(re.findall(r"^QE_KERNEL\((\w+),", text(), re.M))
    assert {f"qe_{name}" for name in written if "#" not in name} <= set(kernels)
    tile = "IMMA.8816.S8.S8" if architecture == "sm_75" else "IMMA.16832.S8.S8"
    for name, instructions in kernels.items():
        assert (tile in instructions) == (name in TENSOR_CORES), name
        assert ("IDP.4A.S8.S8" in instructions) == (name in DOT_PRODUCTS), name
        if name not in CALLERS:
            assert not {"LDL", "STL"} & {i.split(".")[0] for i in instructions}, name
