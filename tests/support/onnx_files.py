"""Small .onnx files, and what ONNX Runtime computes from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from qembed.importers import import_bytes
from qembed.ir import Graph
from support.forms import FORMS, assert_equal

Arrays = Sequence[np.ndarray]
Make = Callable[[np.random.Generator], tuple[bytes, Arrays]]

OPSET = 21


class File:
    """A model that grows node by node. Methods return the names of what they make."""

    def __init__(self, opset: int = OPSET) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: object, shape: Sequence[int | str]) -> str:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, dtype: object) -> str:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.outputs.append(helper.make_tensor_value_info(name, kind, None))
        return name

    def constant(self, value: object, name: str | None = None) -> str:
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(
        self, code: str, inputs: Sequence[str], outputs: int = 1, domain: str = "", **attributes
    ) -> str:
        names = [f"{code.lower()}{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(code, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def quantize(self, x: str, scale: float, zero_point: np.integer) -> str:
        return self.node(
            "QuantizeLinear", [x, self.constant(np.float32(scale)), self.constant(zero_point)]
        )

    def dequantize(self, x: str, scale, zero_point, axis: int = 0) -> str:
        inputs = [x, self.constant(np.float32(scale)), self.constant(zero_point)]
        many = {"axis": axis} if np.ndim(scale) else {}
        return self.node("DequantizeLinear", inputs, **many)

    def weights(self, values: np.ndarray, scale, axis: int = 0) -> str:
        points = np.zeros(np.shape(scale), values.dtype)
        return self.dequantize(self.constant(values), scale, points, axis)

    def bytes(self) -> bytes:
        graph = helper.make_graph(self.nodes, "graph", self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def session(raw: bytes) -> onnxruntime.InferenceSession:
    """ONNX Runtime with its integer kernels for int8 as for uint8."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    return onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])


def run(raw: bytes, inputs: Arrays) -> list[np.ndarray]:
    """Outputs of ONNX Runtime for arrays (B, *shape)."""
    judge = session(raw)
    names = [port.name for port in judge.get_inputs()]
    answers = [
        judge.run(None, dict(zip(names, map(np.asarray, sample), strict=True)))
        for sample in zip(*inputs, strict=True)
    ]
    return [np.stack(column) for column in zip(*answers, strict=True)]


@functools.lru_cache(maxsize=16)
def cases(make: Make, count: int) -> tuple[tuple[int, Graph, Arrays, Arrays], ...]:
    """Files number 0 to `count` - 1 of a generator, with ONNX Runtime's answers."""
    found = []
    for seed in range(count):
        raw, inputs = make(np.random.default_rng(seed))
        try:
            graph = import_bytes(raw, f"seed {seed}", "onnxruntime")
            found.append((seed, graph, inputs, run(raw, inputs)))
        except Exception as error:
            error.add_note(f"{make.__name__}, seed {seed}")
            raise
    return tuple(found)


def compare(form: str, make: Make, count: int = 200) -> None:
    """Hold a form against ONNX Runtime on `count` random files."""
    chosen = cases(make, count)
    answers = FORMS[form]([(graph, inputs) for _, graph, inputs, _ in chosen])
    for (seed, _, _, theirs), ours in zip(chosen, answers, strict=True):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            what = f"{form}, {make.__name__}, seed {seed}, output {index}"
            assert_equal(one, other.reshape(one.shape), what)
