"""A parsed .tflite file to a Graph: every operator by its converter, every complaint at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.importers.tflite import state
from qembed.importers.tflite.ops import CONVERTERS
from qembed.importers.tflite.values import Step, describe
from qembed.ir import DTYPES, Graph, Node, Quantization, Tensor
from qembed.numerics import Numerics
from qembed.ops import OPERATORS
from qembed.tflite.reader import File, Operator, SubGraph, Value
from qembed.validate import validate

MAX_OPERATORS = 10_000
MAX_COMPLAINTS = 50
# Constants may be shared; a file that uses the same few bytes thousands of times is hostile.
MAX_CONSTANT_REUSE = 64


@dataclass(slots=True)
class Assembly:
    """The graph while it grows: values get a place in the table when a step first uses them.

    `operators` are what its nodes may be: those of integers, or `qembed.floats.FLOAT_OPERATORS`.
    """

    operators: Mapping[str, Any] = field(default_factory=lambda: OPERATORS)
    tensors: list[Tensor] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)  # keeps the ids in `places` alive


def convert(file: File, name: str, size: int, numerics: Numerics) -> Graph:
    """Assemble the model of a file.

    Parameters
    ----------
    file : File
    name : str
        Of the graph.
    size : int
        Of the file, in bytes.
    numerics : Numerics

    Raises
    ------
    UnsupportedError
        Listing every operator that cannot be imported, with its tensor and the reason.
    ModelError
        The same, if one of the reasons is damage rather than something unsupported.
    """
    main = file.subgraphs[0]
    require_reasonable(main, size)
    assembly = Assembly()
    complaints: list[tuple[str, QembedError]] = []
    inputs = tuple(place(assembly, value) for value in main.inputs)
    variables = state.Variables(file)
    for op in main.operators:
        try:
            op = state.resolved(variables, op)
            steps = state.steps(variables, op) if op.code in state.CODES else _steps(op, numerics)
            for step in steps:
                append(assembly, step)
        except QembedError as error:
            complaints.append((where(op), error))
    if complaints:
        raise summary(complaints, "is not quantized" if is_float(main) else "")
    outputs = tuple(place(assembly, state.current(variables, v)) for v in main.outputs)
    return validate(
        Graph(
            name=name,
            tensors=tuple(assembly.tensors),
            nodes=tuple(assembly.nodes),
            inputs=inputs,
            outputs=outputs,
            profile=numerics.name,
        )
    )


def require_reasonable(main: SubGraph, size: int) -> None:
    """Refuse files whose conversion would take time or memory out of proportion."""
    if len(main.operators) > MAX_OPERATORS:
        raise UnsupportedError(
            f"the file has {len(main.operators)} operators, over {MAX_OPERATORS}"
        )
    used = sum(
        value.data.nbytes
        for op in main.operators
        for value in op.inputs
        if value is not None and value.data is not None
    )
    if used > MAX_CONSTANT_REUSE * size:
        raise ModelError(f"the file's constants are used so often that they add to {used} bytes")


def where(op: Operator) -> str:
    """Say which operator of the file is meant."""
    output = f" computing {describe(op.outputs[0])}" if op.outputs else ""
    return f"{op.code} (operator {op.index}{output})"


def is_float(main: SubGraph) -> bool:
    """Whether none of what flows between the operators is quantized."""
    values = [v for op in main.operators for v in (*op.inputs, *op.outputs) if v is not None]
    return not any(v.dtype in ("int8", "uint8", "int16") for v in values if v.data is None)


def summary(complaints: list[tuple[str, QembedError]], remark: str) -> QembedError:
    """One error that carries all complaints."""
    kinds = {type(error) for _, error in complaints}
    kind = UnsupportedError if kinds == {UnsupportedError} else ModelError
    lines = [f"{where}: {error}" for where, error in complaints[:MAX_COMPLAINTS]]
    if len(complaints) > MAX_COMPLAINTS:
        lines.append(f"and {len(complaints) - MAX_COMPLAINTS} more")
    model = f"the model, which {remark}:" if remark else "the model:"
    return kind("cannot import " + "\n  ".join([model, *lines]))


def _steps(op: Operator, numerics: Numerics) -> list[Step]:
    if op.code not in CONVERTERS:
        raise UnsupportedError("this operator is not supported")
    for value in (*op.inputs, *op.outputs):
        if value is not None and value.data is None:
            require_shape(value)
    return CONVERTERS[op.code](op, numerics)


def place(assembly: Assembly, value: Value) -> int:
    """Index of a value in the table of tensors, which it enters if it is new."""
    if id(value) not in assembly.places:
        assembly.tensors.append(_tensor(value))
        assembly.values.append(value)
        assembly.places[id(value)] = len(assembly.tensors) - 1
    return assembly.places[id(value)]


def _tensor(value: Value) -> Tensor:
    if value.dtype not in DTYPES:
        raise UnsupportedError(f"tensor {describe(value)} has a type that is not supported")
    require_shape(value)
    quantization = None
    if value.scales.size == 1 and value.dtype != "float32":
        quantization = Quantization(float(value.scales[0]), int(value.zero_points[0]))
    data = None if value.data is None else np.array(value.data, np.dtype(value.dtype))
    return Tensor(value.name, value.shape, value.dtype, quantization, data, value.reset_value)


def require_shape(value: Value) -> None:
    """Refuse a value whose size is not known."""
    if any(n < 1 for n in value.shape):
        raise UnsupportedError(f"tensor {describe(value)} has no fixed shape")


def append(assembly: Assembly, step: Step) -> None:
    """Check a step and add it as a node."""
    inputs = tuple(place(assembly, value) for value in step.inputs)
    try:
        operator = assembly.operators[step.stem]
        inferred = operator.infer(step.params, *(assembly.tensors[i] for i in inputs))
    except TypeError:
        raise ModelError(f"takes another number of inputs than {len(inputs)}") from None
    for value, (shape, dtype) in zip(step.outputs, inferred, strict=True):
        if value.shape != tuple(shape) or value.dtype != dtype:
            raise ModelError(f"computes {dtype}{list(shape)} but declares {describe(value)}")
    node = Node(
        name=_unique_name(assembly, step.outputs[0].name or step.stem),
        op=step.stem,
        params=step.params,
        inputs=inputs,
        outputs=tuple(place(assembly, value) for value in step.outputs),
    )
    assembly.nodes.append(node)


def _unique_name(assembly: Assembly, name: str) -> str:
    """`name`, or name#2, name#3, ... if it is taken."""
    unique = name
    while unique in assembly.names:
        assembly.names[name] += 1
        unique = f"{name}#{assembly.names[name]}"
    assembly.names[unique] = 1
    return unique
