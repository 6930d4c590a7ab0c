"""Check a whole graph once, at the edge: afterwards every stage may trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qembed.errors import ModelError
from qembed.ir import DTYPES, Graph, Node, Tensor
from qembed.ops import OPERATORS, _check

MAX_TENSOR_BYTES = 1 << 31
MAX_RANK = 8


def validate(graph: Graph, operators: Mapping[str, Any] = OPERATORS) -> Graph:
    """Return `graph` if every tensor, node and edge of it is sound.

    Parameters
    ----------
    graph : Graph
    operators : mapping
        What its nodes may be: `qembed.ops.OPERATORS`, or `qembed.floats.FLOAT_OPERATORS`.

    Raises
    ------
    ModelError
        Naming the first tensor or node that is not, and why.
    """
    for tensor in graph.tensors:
        _validate_tensor(tensor)
    _validate_edges(graph)
    for node in graph.nodes:
        try:
            _validate_node(graph, node, operators)
        except ModelError as error:
            raise ModelError(f"node '{node.name}' ({node.op}): {error}") from None
    _validate_samples(graph)
    return graph


def _validate_tensor(tensor: Tensor) -> None:
    where = f"tensor '{tensor.name}'"
    if tensor.dtype not in DTYPES:
        raise ModelError(f"{where} has type '{tensor.dtype}', none of {', '.join(DTYPES)}")
    if len(tensor.shape) > MAX_RANK or any(n < 1 for n in tensor.shape):
        raise ModelError(
            f"{where} has shape {tensor.shape}: sizes from 1, at most {MAX_RANK} of them"
        )
    if tensor.nbytes > MAX_TENSOR_BYTES:
        raise ModelError(
            f"{where} would take {tensor.nbytes} bytes; the limit is {MAX_TENSOR_BYTES}"
        )
    if tensor.quantization is not None:
        try:
            _check.require_scale(tensor.quantization.scale)
            _check.require_in_range("zero point", tensor.quantization.zero_point, tensor.dtype)
        except ModelError as error:
            raise ModelError(f"{where}: {error}") from None
    if tensor.data is not None:
        if tensor.reset_value is not None:
            raise ModelError(f"{where} is both a constant and state")
        if tensor.data.shape != tensor.shape or tensor.data.dtype.name != tensor.dtype:
            raise ModelError(
                f"{where} is declared {tensor.dtype}{list(tensor.shape)} but holds "
                f"{tensor.data.dtype.name}{list(tensor.data.shape)}"
            )
    if tensor.reset_value is not None:
        _check.require_in_range(f"{where}: reset value", tensor.reset_value, tensor.dtype)


def _validate_edges(graph: Graph) -> None:
    """Every index exists, every value is written before it is read, and only once."""
    count = len(graph.tensors)
    if not graph.inputs or not graph.outputs:
        raise ModelError("the model has no input or no output")
    if len(set(graph.inputs)) != len(graph.inputs):
        raise ModelError("a tensor is listed twice among the inputs")
    names = [node.name for node in graph.nodes]
    if len(set(names)) != len(names):
        raise ModelError("two nodes have the same name")
    for index in (*graph.inputs, *graph.outputs):
        if not 0 <= index < count:
            raise ModelError(f"tensor index {index} is outside the table of {count}")
    for index in graph.inputs:
        if graph.tensors[index].data is not None or graph.tensors[index].reset_value is not None:
            raise ModelError(f"input '{graph.tensors[index].name}' is a constant or state")
    written = set(graph.inputs) | {
        i for i, t in enumerate(graph.tensors) if t.data is not None or t.reset_value is not None
    }
    for node in graph.nodes:
        for index in (*node.inputs, *node.outputs):
            if not 0 <= index < count:
                raise ModelError(f"node '{node.name}' uses tensor {index} of a table of {count}")
        for index in node.inputs:
            if index not in written:
                raise ModelError(
                    f"node '{node.name}' reads '{graph.tensors[index].name}' before it is written"
                    " (nodes must stand in execution order, without cycles)"
                )
        for index in node.outputs:
            if index in written and graph.tensors[index].reset_value is None:
                raise ModelError(
                    f"node '{node.name}' writes '{graph.tensors[index].name}', which already has a"
                    " value"
                )
            written.add(index)
    for index in graph.outputs:
        if index not in written:
            raise ModelError(f"output '{graph.tensors[index].name}' is never written")


IN_PLACE = frozenset(
    [
        "add",
        "extremum",
        "lookup",
        "lstm",
        "mul",
        "prelu",
        "select",
        "sigmoid",
        "squared_difference",
        "svdf",
    ]
)
"""Operators that may write the state that they read: each value comes from its own place."""


def _validate_node(graph: Graph, node: Node, operators: Mapping[str, Any]) -> None:
    operator = operators.get(node.op)
    if operator is None:
        raise ModelError(f"unknown operator; known are {', '.join(operators)}")
    if type(node.params) is not operator.params:
        raise ModelError(f"parameters are not a {operator.params.__name__}")
    for index in set(node.inputs) & set(node.outputs):
        if node.op not in IN_PLACE:
            raise ModelError(
                f"reads and writes state '{graph.tensors[index].name}', which {node.op} cannot do "
                "in place; let it write another tensor, and a reshape copy that"
            )
    inputs = [graph.tensors[i] for i in node.inputs]
    try:
        inferred = operator.infer(node.params, *inputs)
    except TypeError:
        raise ModelError(f"takes another number of inputs than {len(inputs)}") from None
    outputs = [graph.tensors[i] for i in node.outputs]
    if [(tuple(s), d) for s, d in inferred] != [(t.shape, t.dtype) for t in outputs]:
        want = ", ".join(f"{d}{list(s)}" for s, d in inferred)
        have = ", ".join(f"{t.dtype}{list(t.shape)}" for t in outputs)
        raise ModelError(f"computes {want} but its output is declared {have}")


def _validate_samples(graph: Graph) -> None:
    if graph.samples is None:
        return
    arrays = graph.samples.inputs
    if len(arrays) != len(graph.inputs):
        raise ModelError(f"the samples have {len(arrays)} inputs, the model {len(graph.inputs)}")
    for array, index in zip(arrays, graph.inputs, strict=True):
        tensor = graph.tensors[index]
        if array.dtype.name != tensor.dtype or array.shape[1:] != tensor.shape:
            raise ModelError(
                f"samples of '{tensor.name}' are {array.dtype.name}{list(array.shape)}, must be "
                f"{tensor.dtype}[B, {', '.join(map(str, tensor.shape))}]"
            )
    counts = {array.shape[0] for array in arrays}
    labels = graph.samples.labels
    if labels is not None:
        _check.require_array("labels", labels, ["int64"], (-1,))
        counts.add(labels.shape[0])
    if len(counts) != 1 or not np.all(np.array(list(counts)) > 0):
        raise ModelError("the samples' inputs and labels have different lengths, or none")
