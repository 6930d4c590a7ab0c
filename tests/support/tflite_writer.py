"""Writes small .tflite files: what a converter would produce, with any parameter one likes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

# Tables of options that are not called like their operator.
OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "PADV2": "PadV2Options",
    "SELECT_V2": "SelectV2Options",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "SPLIT_V": "SplitVOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "SVDF": "SVDFOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}
ACTIVATION = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3, "TANH": 4}
PADDING = {"SAME": 0, "VALID": 1}


class Writer:
    """Collects tensors and operators of one graph, then `bytes()` gives the file.

    With `main`, the graph is a further one of that writer's file.
    """

    def __init__(self, main: Writer | None = None) -> None:
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        if main is not None:
            self.model = main.model
            self.model.subgraphs.append(self.graph)
            return
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.subgraphs = [self.graph]
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]  # buffer 0 is empty by convention

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str,
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        axis: int = 0,
        data: np.ndarray | None = None,
        name: str | None = None,
        is_variable: bool = False,
    ) -> int:
        """Add a tensor; return its index. `dtype` may be "int4", with `data` given as int8."""
        tensor = schema.TensorT()
        tensor.name = name if name is not None else f"t{len(self.graph.tensors)}"
        tensor.shape = [int(n) for n in shape]
        tensor.type = getattr(schema.TensorType, dtype.upper())
        tensor.isVariable = is_variable
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = [float(s) for s in np.atleast_1d(scale)]
            points = np.broadcast_to(np.atleast_1d(zero_point), len(quantization.scale))
            quantization.zeroPoint = [int(z) for z in points]
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        buffer = schema.BufferT()
        if data is not None:
            raw = _pack_int4(data) if dtype == "int4" else np.asarray(data).tobytes()
            buffer.data = np.frombuffer(raw, np.uint8)
        self.model.buffers.append(buffer)
        tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, *args: Any, **kwargs: Any) -> int:
        index = self.tensor(*args, **kwargs)
        self.graph.inputs.append(index)
        return index

    def output(self, *args: Any, **kwargs: Any) -> int:
        index = self.tensor(*args, **kwargs)
        self.graph.outputs.append(index)
        return index

    def constant(self, data: np.ndarray, dtype: str | None = None, **kwargs: Any) -> int:
        return self.tensor(data.shape, dtype or data.dtype.name, data=data, **kwargs)

    def operator(
        self, code: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any
    ) -> None:
        """Add an operator; options by their names in the schema, names of enums as text."""
        op = schema.OperatorT()
        op.opcodeIndex = self._code(code)
        op.inputs, op.outputs = list(inputs), list(outputs)
        called = OPTIONS.get(code, code.title().replace("_", "") + "Options")
        if hasattr(schema.BuiltinOptions, called):
            table = getattr(schema, called + "T")()
            for name, value in options.items():
                if not hasattr(table, name):
                    raise AttributeError(f"{called} has no option {name}")
                setattr(table, name, _number(name, value))
            op.builtinOptions = table
            op.builtinOptionsType = getattr(schema.BuiltinOptions, called)
        elif options:
            raise AttributeError(f"{code} has no options")
        self.graph.operators.append(op)

    def bytes(self) -> bytes:
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _code(self, name: str) -> int:
        number = getattr(schema.BuiltinOperator, name)
        for index, entry in enumerate(self.model.operatorCodes):
            if entry.builtinCode == number:
                return index
        entry = schema.OperatorCodeT()
        entry.builtinCode = number
        entry.deprecatedBuiltinCode = min(number, 127)
        entry.version = 1
        self.model.operatorCodes.append(entry)
        return len(self.model.operatorCodes) - 1


def _number(name: str, value: Any) -> Any:
    if name == "fusedActivationFunction":
        return ACTIVATION[value]
    return PADDING[value] if name == "padding" else value


def _pack_int4(data: np.ndarray) -> bytes:
    nibbles = np.asarray(data, np.int8).reshape(-1) & 15
    if nibbles.size % 2:
        nibbles = np.append(nibbles, 0)
    return (nibbles[::2] | nibbles[1::2] << 4).astype(np.uint8).tobytes()
