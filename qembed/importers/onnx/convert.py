"""A parsed .onnx file to a Graph: every operator by its converter, every complaint at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed import floats
from qembed.arithmetic import Requantization
from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.floats import FLOAT_OPERATORS
from qembed.floats.simplify import simplify
from qembed.importers.onnx.folding import FOLDABLE, fold
from qembed.importers.onnx.ops import CONVERTERS
from qembed.importers.onnx.ops.quantization import dequantized, grid_of
from qembed.importers.onnx.reader import Model, Node, Port
from qembed.importers.onnx.rewrite import rewrite
from qembed.importers.onnx.signals import (
    NO_SCALES,
    NO_ZERO_POINTS,
    Builder,
    Layer,
    Rows,
    Signal,
    complaint,
    emit,
    finished_real,
    make_builder,
    natural,
    settled,
)
from qembed.importers.tflite.convert import place, summary
from qembed.ir import Graph
from qembed.numerics import Numerics
from qembed.ops.quantize import Quantize
from qembed.tflite.reader import Value
from qembed.validate import validate

MAX_NODES = 10_000
INPUT_TYPES = ("float32", "int8", "uint8", "int16")
QUANTIZED = frozenset(("QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"))


def is_float(model: Model) -> bool:
    """Whether a file computes real numbers only."""
    codes = {node.code for node in model.nodes}
    return not codes & QUANTIZED and not any(
        code.startswith(("QLinear", "QGemm")) for code in codes
    )


def convert(model: Model, name: str, numerics: Numerics | None) -> Graph:
    """Assemble the model of a file.

    Parameters
    ----------
    model : Model
    name : str
        Of the graph.
    numerics : Numerics, optional
        None: the graph is one of real numbers, `qembed.floats`.

    Raises
    ------
    UnsupportedError
        Listing every operator that cannot be imported, with its tensor and the reason.
    ModelError
        The same, if one of the reasons is damage rather than something unsupported.
    """
    if len(model.nodes) > MAX_NODES:
        raise UnsupportedError(f"the file has {len(model.nodes)} nodes, over {MAX_NODES}")
    remark = "is not quantized" if numerics is not None and is_float(model) else ""
    model = rewrite(model)
    b = make_builder(numerics, model.opset, model.constants, model.refused, model.narrow)
    inputs = tuple(place(b.assembly, _input(b, model, port)) for port in model.inputs)
    complaints = _convert_nodes(b, model)
    if complaints:
        raise summary(complaints, remark)
    outputs = tuple(place(b.assembly, _output(b, port)) for port in model.outputs)
    graph = Graph(
        name=name,
        tensors=tuple(b.assembly.tensors),
        nodes=tuple(b.assembly.nodes),
        inputs=inputs,
        outputs=outputs,
        profile=floats.PROFILE if numerics is None else numerics.name,
    )
    return validate(graph) if numerics else simplify(validate(graph, FLOAT_OPERATORS))


def _convert_nodes(b: Builder, model: Model) -> list[tuple[str, QembedError]]:
    """Convert all nodes; what depends on one that failed is left out, and not complained about."""
    complaints = []
    failed: set[str] = set()
    for node in model.nodes:
        if failed & set(node.inputs):
            failed |= set(node.outputs)
            continue
        b.current = node
        try:
            _convert_node(b, node)
        except QembedError as error:
            complaints.append(complaint(b, error))
            failed |= set(node.outputs)
    b.current = None
    if complaints:
        return complaints
    for port in model.outputs:
        found = b.entries.get(port.name)
        if not isinstance(found, Layer):
            continue
        try:
            finished_real(b, found, port.name)
        except QembedError as error:
            complaints.append(complaint(b, error))
    return complaints


def _convert_node(b: Builder, node: Node) -> None:
    if not node.outputs:
        raise ModelError("has no output")
    if node.code in FOLDABLE and all(i in b.constants for i in node.inputs if i):
        inputs = [b.constants[i] if i else None for i in node.inputs]
        b.constants[node.outputs[0]] = fold(node, inputs)
    elif node.code in CONVERTERS:
        CONVERTERS[node.code](b, node)
    else:
        raise UnsupportedError("this operator is not supported")


def _input(b: Builder, model: Model, port: Port) -> Value:
    """Return the value of a graph input, as the file declares it, and remember it as a signal."""
    if port.dtype not in INPUT_TYPES:
        raise UnsupportedError(
            f"input '{port.name}' is {port.dtype}; must be {', '.join(INPUT_TYPES)}"
        )
    shape = _sizes(port)
    value = Value(port.name, shape, port.dtype, NO_SCALES, NO_ZERO_POINTS)
    reader = next(
        (n for n in model.nodes if n.code == "DequantizeLinear" and n.inputs[0] == port.name), None
    )
    if reader is not None and all(name in b.constants for name in reader.inputs[1:] if name):
        grid = grid_of(b, reader, port.dtype)
        if not grid.per_axis:
            points = grid.zero_points + 128 * grid.unsigned
            value = replace(value, scales=grid.scales, zero_points=points)
    axes = tuple(range(len(shape)))
    unsigned = port.dtype == "uint8"
    inside = _recoded(b, value, "int8", f"{port.name}/int8") if unsigned else value
    b.entries[port.name] = Signal(inside, axes, port.dtype == "float32", unsigned)
    return value


def _sizes(port: Port) -> tuple[int, ...]:
    """Return the shape of one sample: an open first size is that of a batch."""
    if port.shape is None:
        raise UnsupportedError(f"input '{port.name}' has no shape")
    sizes = tuple(1 if n is None and i == 0 else n for i, n in enumerate(port.shape))
    if any(n is None or n < 1 for n in sizes):
        raise UnsupportedError(f"input '{port.name}' has a size that is not fixed: {port.shape}")
    return tuple(n for n in sizes if n is not None)


def _recoded(b: Builder, value: Value, dtype: str, name: str) -> Value:
    """Go from uint8 to int8 or back, which shifts all numbers by 128."""
    to_unsigned = dtype == "uint8"
    one = Requantization(np.array([1 << 30], np.int32), np.array([1], np.int32))
    zero_point, target = (0, 128) if to_unsigned else (0, -128)
    params = Quantize("uint8" if to_unsigned else "int8", target, None, one, zero_point)
    like = replace(value, zero_points=value.zero_points + target)
    return emit(b, "quantize", params, [value], name, like)


def _output(b: Builder, port: Port) -> Value:
    """Return the value of a graph output: order of axes, type and meaning as the file says."""
    found = b.entries.get(port.name)
    if found is None:
        raise ModelError(f"output '{port.name}' is not computed, or a constant")
    assert not isinstance(found, Layer)
    found = settled(b, found) if isinstance(found, Rows) else found
    if found.real and not found.is_float:
        return dequantized(b, found, port.name)
    value = natural(b, found)
    return _recoded(b, value, "uint8", port.name) if found.unsigned else value
