"""Run a float graph in float32: for calibration, and as what a quantized network is measured by.

Convolutions are matrix products (BLAS). Samples go through in blocks, so that memory is bounded by
what is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from qembed.errors import InputError
from qembed.floats import FLOAT_OPERATORS
from qembed.ir import AnyArray, Graph, Node

BLOCK_BYTES = 32 << 20
"""Activations of one block of samples, all tensors together."""


def bytes_per_sample(graph: Graph) -> int:
    """Size of all activations of one sample."""
    return sum(tensor.nbytes for tensor in graph.tensors if tensor.data is None)


def run(graph: Graph, inputs: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
    """Run a batch; one array (B, *shape) for each output.

    Parameters
    ----------
    inputs : sequence of float32 ndarray
        One per graph input, (B, *shape).

    Raises
    ------
    InputError
        If an input does not fit.
    """
    kept = trace(graph, inputs, set(graph.outputs))
    return tuple(kept[index] for index in graph.outputs)


def trace(
    graph: Graph, inputs: Sequence[AnyArray], wanted: Collection[int] | None = None
) -> dict[int, AnyArray]:
    """Run a batch; return tensors by index, each (B, *shape): those in `wanted`, or all computed.

    Inputs and errors are those of `run`.
    """
    arrays = _checked(graph, inputs)
    count = len(arrays[0])
    if wanted is None:
        wanted = {i for i, tensor in enumerate(graph.tensors) if tensor.data is None}
    kept = {i: np.empty((count, *graph.tensors[i].shape), np.float32) for i in wanted}
    step = max(1, BLOCK_BYTES // max(1, bytes_per_sample(graph)))
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        given = {i: array[rows] for i, array in zip(graph.inputs, arrays, strict=True)}
        found = resume(graph, given, graph.nodes, wanted)
        for index in kept:
            kept[index][rows] = found[index]
    return kept


def resume(
    graph: Graph,
    given: Mapping[int, AnyArray],
    nodes: Iterable[Node],
    wanted: Collection[int],
) -> dict[int, AnyArray]:
    """Run `nodes` on tensors that are `given` already; return those `wanted`.

    Tensors that no later node reads are forgotten on the way.
    """
    nodes = list(nodes)
    last = {i: step for step, node in enumerate(nodes) for i in node.inputs}
    values = dict(given)
    for step, node in enumerate(nodes):
        (target,) = node.outputs
        values[target] = forward(graph, node, values)
        for i in node.inputs:
            if last[i] == step and i not in wanted:
                values.pop(i, None)
    return {
        i: constant if (constant := graph.tensors[i].data) is not None else values[i]
        for i in wanted
    }


def forward(graph: Graph, node: Node, values: Mapping[int, AnyArray]) -> AnyArray:
    """Run one node on the tensors it reads; constants come from the graph.

    What overflows becomes infinite, as real numbers on a chip would; whoever minds looks.
    """
    arrays = []
    for i in node.inputs:
        data = graph.tensors[i].data
        arrays.append(values[i] if data is None or i in values else data[None])
    if node.op == "concatenation":
        count = max(len(array) for array in arrays)
        arrays = [np.broadcast_to(array, (count, *array.shape[1:])) for array in arrays]
    with np.errstate(all="ignore"):
        return FLOAT_OPERATORS[node.op].forward(node.params, *arrays)


def _checked(graph: Graph, inputs: Sequence[AnyArray]) -> list[AnyArray]:
    if len(inputs) != len(graph.inputs):
        raise InputError(f"the model has {len(graph.inputs)} inputs, not {len(inputs)}")
    arrays = []
    for index, array in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[index]
        if array.shape[1:] != tensor.shape or len(array) != len(inputs[0]) or not len(array):
            raise InputError(
                f"input '{tensor.name}' takes {list(tensor.shape)} for each sample, not "
                f"{list(array.shape[1:])}"
            )
        arrays.append(np.ascontiguousarray(array, np.float32))
    return arrays
