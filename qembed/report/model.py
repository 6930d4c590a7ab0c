"""What there is to know of a model without running it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.container import graph_hash
from qembed.errors import UnsupportedError
from qembed.export import plan_for
from qembed.ir import Graph, Node, Tensor
from qembed.ops import OPERATORS, _accumulator
from qembed.plan import Plan
from qembed.plan.picture import Region, regions
from qembed.targets import Target


@dataclass(frozen=True, slots=True)
class TensorSummary:
    """A tensor without its values."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One node.

    Attributes
    ----------
    index : int
        In the graph.
    name, op : str
    output : TensorSummary
        The first one.
    macs : int
        Multiply-accumulates of one sample.
    constant_bytes : int
        Weights, biases, multipliers and shifts, as the model holds them.
    weight_count : int
    headroom_bits : int, optional
        How often the worst sum could double before it overflows the accumulator.
    """

    index: int
    name: str
    op: str
    output: TensorSummary
    macs: int
    constant_bytes: int
    weight_count: int
    headroom_bits: int | None


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model.

    Attributes
    ----------
    target : str
    arena_bytes, arena_lower_bound : int, optional
        Memory for all activations with the kernels of `target`: as planned, and what no placement
        of these layers in this order can go below. None if it lacks a kernel.
    memory : tuple of Region
        What lies where in the arena, by position in the order of the layers that run.
    samples, labels : int
        How many travel with the model.
    """

    name: str
    hash: str
    profile: str
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]
    state: tuple[TensorSummary, ...]
    layers: tuple[LayerSummary, ...]
    macs: int
    weight_count: int
    constant_bytes: int
    target: str
    arena_bytes: int | None
    arena_lower_bound: int | None
    memory: tuple[Region, ...]
    classes: tuple[str, ...]
    samples: int
    labels: int
    source: dict[str, str]


def summarize(
    graph: Graph, target: Target, arena_max: int | None = None, push_rows: bool = False
) -> ModelSummary:
    """Describe a validated graph, and what it needs on a target.

    Parameters
    ----------
    arena_max, push_rows
        As for `plan_for`; without them a target that lacks a kernel is no error.
    """
    layers = tuple(_layer(graph, i, node) for i, node in enumerate(graph.nodes))
    constants = sum(t.nbytes for t in graph.tensors if t.data is not None)
    plan = _plan(graph, target, arena_max, push_rows)
    samples = graph.samples
    return ModelSummary(
        name=graph.name,
        hash=graph_hash(graph).hex(),
        profile=graph.profile,
        inputs=_tensors(graph, graph.inputs),
        outputs=_tensors(graph, graph.outputs),
        state=_tensors(graph, graph.state),
        layers=layers,
        macs=sum(layer.macs for layer in layers),
        weight_count=sum(layer.weight_count for layer in layers),
        constant_bytes=sum(layer.constant_bytes for layer in layers) + constants,
        target=target.name,
        arena_bytes=plan.arena_bytes if plan else None,
        arena_lower_bound=plan.lower_bound if plan else None,
        memory=regions(plan, graph) if plan else (),
        classes=graph.classes,
        samples=len(samples.inputs[0]) if samples else 0,
        labels=len(samples.labels) if samples and samples.labels is not None else 0,
        source=graph.source,
    )


def _plan(graph: Graph, target: Target, arena_max: int | None, push_rows: bool) -> Plan | None:
    try:
        return plan_for(graph, target, arena_max, push_rows)[1]
    except UnsupportedError:
        if arena_max is not None or push_rows:
            raise
        return None


def _layer(graph: Graph, index: int, node: Node) -> LayerSummary:
    operator = OPERATORS[node.op]
    inputs = [graph.tensors[i] for i in node.inputs]
    outputs = [graph.tensors[i] for i in node.outputs]
    weights = operator.rows(node.params) if operator.rows else np.empty((0, 0), np.int8)
    headroom = None
    if operator.rows:
        headroom = _accumulator.bounds(
            weights, node.params.bias, node.params.input_zero_point, inputs[0].dtype
        ).headroom_bits
    return LayerSummary(
        index=index,
        name=node.name,
        op=node.op,
        output=_tensor(outputs[0]),
        macs=operator.macs(node.params, *inputs, *outputs) if operator.macs else 0,
        constant_bytes=_array_bytes(node.params),
        weight_count=weights.size,
        headroom_bits=headroom,
    )


def _array_bytes(params: Any) -> int:
    """Bytes of all arrays in a parameter dataclass that decide the result; 4-bit weights by two."""
    total = 0
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        if dataclasses.is_dataclass(value):
            total += _array_bytes(value)
        elif isinstance(value, np.ndarray) and field.name != "weight_scale":
            packed = field.name == "weights" and getattr(params, "weight_bits", 8) == 4
            total += (value.size + 1) // 2 if packed else value.nbytes
    return total


def _tensors(graph: Graph, indices: tuple[int, ...]) -> tuple[TensorSummary, ...]:
    return tuple(_tensor(graph.tensors[i]) for i in indices)


def _tensor(tensor: Tensor) -> TensorSummary:
    by = tensor.quantization
    return TensorSummary(
        tensor.name,
        tensor.dtype,
        tensor.shape,
        tensor.nbytes,
        by.scale if by else None,
        by.zero_point if by else None,
    )
