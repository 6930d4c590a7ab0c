"""The node tests that the `onnx` package carries, for the operators of quantized networks.

Every case of these operators is run, or listed below with the reason why it is refused. A case
gives all tensors as inputs of the graph; those that must be constants become constants first.
"""

# ruff: noqa: E402 (what follows needs an optional package)

import functools
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import numpy_helper
from onnx.backend.test import loader

from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.errors import UnsupportedError
from qembed.importers import import_bytes

OPERATORS = {
    "ConvInteger",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
    "QuantizeLinear",
}
REFUSED = {
    **{
        f"test_{operator}linear_{kind}": "a type of less than eight bits"
        for operator in ("quantize", "dequantize")
        for kind in ("int4", "uint4", "int2", "uint2", "float4e2m1")
    },
    **{
        f"test_{name}": "a float8 type"
        for name in (
            "dequantizelinear_e4m3fn",
            "dequantizelinear_e4m3fn_float16",
            "dequantizelinear_e4m3fn_zero_point",
            "dequantizelinear_e5m2",
            "quantizelinear_e4m3fn",
            "quantizelinear_e5m2",
        )
    },
    "test_dequantizelinear_uint16": "uint16, which graphs do not have",
    "test_quantizelinear_uint16": "uint16, which graphs do not have",
    "test_dequantizelinear_blocked": "scales of blocks",
    "test_quantizelinear_blocked_asymmetric": "scales of blocks",
    "test_quantizelinear_blocked_symmetric": "scales of blocks",
}


@functools.cache
def cases():
    """All cases of `OPERATORS` by name: model, inputs, expected outputs."""
    found = {}
    with np.errstate(all="ignore"):
        loaded = loader.load_model_tests(kind="node")
    for case in loaded:
        model = case.model or onnx.load(Path(case.model_dir) / "model.onnx")
        if {node.op_type for node in model.graph.node} <= OPERATORS:
            found[case.name] = model, *_data(case, model)
    return found


def _data(case, model):
    if case.data_sets:
        return case.data_sets[0]
    folder = Path(case.model_dir) / "test_data_set_0"
    return tuple(
        [
            numpy_helper.to_array(onnx.load_tensor(folder / f"{kind}_{i}.pb"))
            for i in range(len(ports))
        ]
        for kind, ports in (("input", model.graph.input), ("output", model.graph.output))
    )


def frozen(model, inputs) -> tuple[bytes, list[np.ndarray]]:
    """The model with all inputs but the activations as constants, and those inputs."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    inputs = [
        value if isinstance(value, onnx.TensorProto) else np.asarray(value) for value in inputs
    ]
    moving = 2 if model.graph.node[0].op_type == "MatMulInteger" else 1
    ports = list(made.graph.input)
    for port, value in list(zip(ports, inputs, strict=True))[moving:]:
        tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value)
        made.graph.initializer.add().CopyFrom(tensor)
        made.graph.initializer[-1].name = port.name
        made.graph.input.remove(port)
    return made.SerializeToString(), inputs[:moving]


NAMES = (
    "test_convinteger_with_padding",
    "test_convinteger_without_padding",
    "test_dequantizelinear",
    "test_dequantizelinear_axis",
    "test_dequantizelinear_int16",
    "test_dynamicquantizelinear",
    "test_dynamicquantizelinear_max_adjusted",
    "test_dynamicquantizelinear_min_adjusted",
    "test_matmulinteger",
    "test_qlinearconv",
    "test_qlinearmatmul_2D_int8_float16",
    "test_qlinearmatmul_2D_int8_float32",
    "test_qlinearmatmul_2D_uint8_float16",
    "test_qlinearmatmul_2D_uint8_float32",
    "test_qlinearmatmul_3D_int8_float16",
    "test_qlinearmatmul_3D_int8_float32",
    "test_qlinearmatmul_3D_uint8_float16",
    "test_qlinearmatmul_3D_uint8_float32",
    "test_quantizelinear",
    "test_quantizelinear_axis",
    "test_quantizelinear_int16",
)


def test_every_case_is_run_or_listed():
    assert set(cases()) == {*NAMES, *REFUSED}


@pytest.mark.parametrize("run", [reference.run, lambda g, x: HostModel(g).run(x)])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_the_expected(name, run):
    model, inputs, wanted = cases()[name]
    raw, activations = frozen(model, inputs)
    graph = import_bytes(raw, name, "onnxruntime")
    outputs = run(graph, [value[None] for value in activations])
    assert len(outputs) == len(wanted)
    for ours, theirs in zip(outputs, wanted, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours[0].shape == theirs.shape
        assert ours[0].tobytes() == np.asarray(theirs).tobytes()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said(name):
    model, inputs, _ = cases()[name]
    raw, _ = frozen(model, inputs)
    with pytest.raises(UnsupportedError):
        import_bytes(raw, name, "onnxruntime")
