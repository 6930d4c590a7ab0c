"""Which tensors share a scale, which scales the arithmetic implies, and scales from ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qembed.floats import FLOAT_OPERATORS
from qembed.floats.lowering import Encoding
from qembed.importers.tflite.ops import (
    l2_normalization,
    log_softmax,
    lookup,
    sigmoid,
    softmax,
    softmax_int16,
)
from qembed.ir import DType, Graph, Node, Quantization

Range = tuple[float, float]

IMPLIED: dict[tuple[str, str], Quantization] = {
    ("softmax", "int8"): softmax.OUTPUTS["int8"],
    ("softmax", "int16"): softmax_int16.OUTPUT,
    ("log_softmax", "int8"): log_softmax.OUTPUT,
    ("l2", "int8"): l2_normalization.OUTPUT,
    ("logistic", "int8"): lookup.LOGISTIC_OUTPUT,
    ("logistic", "int16"): sigmoid.OUTPUT,
    ("tanh", "int8"): lookup.TANH_OUTPUT,
    ("tanh", "int16"): sigmoid.OUTPUT,
}
"""Output of a function in a type, where its integer arithmetic leaves no choice."""

SMALLEST_SPAN = 1e-6
"""A tensor that is zero on all data still needs a scale."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tensors that share scale and zero point.

    Attributes
    ----------
    members : tuple of int
    implied : Quantization, optional
        If given, there is nothing to choose.
    """

    members: tuple[int, ...]
    implied: Quantization | None


def groups_of(graph: Graph, dtype: DType) -> dict[int, Group]:
    """Return the group of every tensor."""
    leader = list(range(len(graph.tensors)))

    def find(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    for node in graph.nodes:
        if FLOAT_OPERATORS[node.op].tied(node.params):
            for i in node.inputs:
                leader[find(i)] = find(node.outputs[0])
    implied = implied_outputs(graph, dtype)
    members: dict[int, list[int]] = {}
    for i in range(len(graph.tensors)):
        members.setdefault(find(i), []).append(i)
    groups = {}
    for same in members.values():
        fixed = [implied[i] for i in same if i in implied]
        group = Group(tuple(same), fixed[0] if fixed else None)
        groups.update(dict.fromkeys(same, group))
    return groups


def implied_outputs(graph: Graph, dtype: DType) -> dict[int, Quantization]:
    """Return the tensors whose scale follows from the function that computes them."""
    found = {}
    for node in graph.nodes:
        by = IMPLIED.get((getattr(node.params, "function", ""), dtype))
        if by is not None:
            found[node.outputs[0]] = by
    return found


def encoding_of(span: Range, dtype: DType, power_of_two: bool = False) -> Encoding:
    """Return the encoding that covers a range of real numbers and zero.

    int8 has a zero point; int16, and scales that are powers of two, are symmetric.
    """
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    if high - low < SMALLEST_SPAN:
        high = low + SMALLEST_SPAN
    if dtype == "int8" and not power_of_two:
        scale = float(np.float32((high - low) / 255.0))
        zero_point = min(max(round(-128 - low / scale), -128), 127)
        return Encoding(dtype, Quantization(scale, zero_point))
    steps = 127 if dtype == "int8" else 32767
    scale = max(-low, high) / steps
    if power_of_two:
        scale = 2.0 ** math.ceil(math.log2(scale))
    return Encoding(dtype, Quantization(float(np.float32(scale)), 0))


def targets_of(graph: Graph) -> tuple[int, ...]:
    """Return the tensors by which a quantized network is measured.

    They are the outputs, but what goes into a final softmax or logistic rather than what comes out:
    these flatten large errors and hide them.
    """
    makers: Mapping[int, Node] = {node.outputs[0]: node for node in graph.nodes}
    return tuple(_before_squashing(makers, i) for i in graph.outputs)


def _before_squashing(makers: Mapping[int, Node], index: int) -> int:
    while index in makers:
        node = makers[index]
        squashes = getattr(node.params, "function", "") in ("softmax", "log_softmax", "logistic")
        if not squashes and node.op != "reshape":
            return index
        if node.op == "reshape" and not _squashed(makers, node.inputs[0]):
            return index
        index = node.inputs[0]
    return index


def _squashed(makers: Mapping[int, Node], index: int) -> bool:
    node = makers.get(index)
    return node is not None and getattr(node.params, "function", "") == "softmax"


def covering(spans: Sequence[Range]) -> Range:
    """Return the smallest range that holds all of some."""
    return min(low for low, _ in spans), max(high for _, high in spans)
