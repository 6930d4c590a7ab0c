"""The judge from outside: the TensorFlow Lite Micro interpreter, all its tensors visible."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

ALL = runtime.InterpreterConfig.kPreserveAllTensors
SPARE_ARENA_BYTES = 1 << 18


class Interpreter:
    """One model in TFLM. State lives from call to call until `reset`."""

    def __init__(self, raw: bytes) -> None:
        graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(raw, 0)).subgraphs[0]
        self.tensors = graph.tensors
        self.input_shapes = [tuple(self.tensors[i].shape) for i in graph.inputs]
        self.output_count = len(graph.outputs)
        # Asked for a handle of a variable, the interpreter crashes.
        self.written = [
            int(i)
            for op in graph.operators or []
            for i in (op.outputs if op.outputs is not None else ())
            if self.tensors[i].type != schema.TensorType.RESOURCE
        ]
        # 8 bytes an element hold any type; every tensor has a place of its own.
        elements = sum(math.prod(t.shape if t.shape is not None else ()) for t in self.tensors)
        arena = 10 * elements + 64 * len(self.tensors) + 2 * len(raw) + SPARE_ARENA_BYTES
        self.interpreter = runtime.Interpreter.from_bytes(
            raw, arena_size=arena, intrepreter_config=ALL
        )

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs of a batch; arrays (B, *shape)."""
        return [np.stack(column) for column in zip(*map(self._step, _samples(inputs)), strict=True)]

    def trace(self, inputs: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
        """Every tensor that an operator writes, by its index in the file; arrays (B, *shape)."""
        rows = []
        for sample in _samples(inputs):
            self._step(sample)
            rows.append({i: self._tensor(i) for i in self.written})
        return {i: np.stack([row[i] for row in rows]) for i in rows[0]}

    def reset(self) -> None:
        self.interpreter.reset()

    def _step(self, sample: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, (array, shape) in enumerate(zip(sample, self.input_shapes, strict=True)):
            self.interpreter.set_input(np.ascontiguousarray(array).reshape(shape), index)
        self.interpreter.invoke()
        return [np.array(self.interpreter.get_output(i)) for i in range(self.output_count)]

    def _tensor(self, index: int) -> np.ndarray:
        return np.array(self.interpreter.GetTensor(index, 0)["tensor_data"])


def _samples(inputs: Sequence[np.ndarray]) -> list[tuple[np.ndarray, ...]]:
    return list(zip(*inputs, strict=True))
