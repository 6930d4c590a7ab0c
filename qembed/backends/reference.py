"""Run a graph by its definition: slow, plain, and right. Imports no compiled code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from qembed.ir import AnyArray, Graph
from qembed.ops import OPERATORS


def run(graph: Graph, inputs: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
    """Return the outputs of a batch, one array (B, *shape) per graph output."""
    return outputs_of(graph, trace(graph, inputs))


def outputs_of(graph: Graph, traced: Mapping[int, AnyArray]) -> tuple[AnyArray, ...]:
    """Pick the outputs from a trace; one that is a constant is repeated for each sample."""
    count = len(traced[graph.inputs[0]])
    return tuple(
        traced[index] if data is None else np.repeat(data[None], count, axis=0)
        for index, data in ((index, graph.tensors[index].data) for index in graph.outputs)
    )


def trace(graph: Graph, inputs: Sequence[AnyArray]) -> dict[int, AnyArray]:
    """Return every tensor of a batch that is not a constant, by index, each (B, *shape)."""
    steps = []
    state = {
        i: np.full(graph.tensors[i].shape, graph.tensors[i].reset_value, graph.tensors[i].dtype)
        for i in graph.state
    }
    for sample in zip(*inputs, strict=True):
        values = _run_sample(graph, sample, state)
        state = {i: values[i] for i in graph.state}
        steps.append(values)
    indices = [i for i in steps[0] if graph.tensors[i].data is None]
    return {i: np.stack([values[i] for values in steps]) for i in indices}


def _run_sample(
    graph: Graph, sample: Sequence[AnyArray], state: dict[int, AnyArray]
) -> dict[int, AnyArray]:
    """Values of all tensors after one inference, by index."""
    values = {i: t.data for i, t in enumerate(graph.tensors) if t.data is not None}
    values |= state
    values |= dict(zip(graph.inputs, sample, strict=True))
    for node in graph.nodes:
        arrays = [values[i] for i in node.inputs]
        result = OPERATORS[node.op].reference(node.params, *arrays)
        outputs = result if isinstance(result, tuple) else (result,)
        for index, value in zip(node.outputs, outputs, strict=True):
            # A scalar comes back as (1,): its one multiplier is an array of one channel.
            values[index] = np.reshape(value, graph.tensors[index].shape)
    return values
