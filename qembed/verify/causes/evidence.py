"""What is known of a wrong layer, and how a candidate is held against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.errors import QembedError
from qembed.ir import AnyArray, Graph, Node
from qembed.ops import OPERATORS
from qembed.protocol.messages import ByteOrder
from qembed.verify.layers import ReportedLayer, stored

MOST_KNOWN = 0.5
"""Part of a layer that a cause must explain if the rest depends on unknown bytes."""
UNKNOWN = (0, 0x7F, 0x85)
"""Bytes that are tried for those that nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One inference.

    Attributes
    ----------
    inputs : tuple of ndarray
        Of the node, constants included.
    right, got : ndarray
        By the reference, and from the board; of the tensor's shape.
    before : ndarray, optional
        What the reference gives for the sample that ran before on the board.
    others : dict of int to ndarray
        All right tensors of this inference, by index.
    """

    inputs: tuple[AnyArray, ...]
    right: AnyArray
    got: AnyArray
    before: AnyArray | None
    others: dict[int, AnyArray]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of a wrong layer; at least one case is wrong."""

    graph: Graph
    layer: ReportedLayer
    cases: tuple[Case, ...]
    byte_order: ByteOrder = "<"

    @property
    def node(self) -> Node:
        """The layer's node."""
        return self.graph.nodes[self.layer.node]

    @property
    def params(self) -> Any:
        """The node's parameters."""
        return self.node.params

    def lying(self, array: AnyArray) -> NDArray[np.uint8]:
        """Bytes of the tensor as they lie in the arena."""
        row: NDArray[np.uint8] = stored(array[np.newaxis], self.graph, self.layer, self.byte_order)[
            0
        ]
        return row


def explains(evidence: Evidence, compute: Callable[[Case], AnyArray | None]) -> bool:
    """Tell whether a candidate gives the board's bytes in every case."""
    for case in evidence.cases:
        try:
            result = compute(case)
        except (QembedError, ValueError, IndexError, OverflowError, ZeroDivisionError):
            return False
        if result is None or result.shape != case.got.shape or not np.array_equal(result, case.got):
            return False
    return True


def explains_where_known(
    evidence: Evidence, variants: Sequence[Callable[[Case], AnyArray | None]]
) -> bool:
    """Explain all elements that do not depend on bytes nobody knows; these must be most of them.

    The variants fill in different bytes for the unknown ones.
    """
    for case in evidence.cases:
        first, *others = (compute(case) for compute in variants)
        if first is None or first.shape != case.got.shape:
            return False
        known = np.ones(first.shape, bool)
        for other in others:
            known &= first == other
        if known.mean() < MOST_KNOWN or np.any(known & (first != case.got)):
            return False
    return True


def displaced(array: AnyArray, step: int, fill: int) -> AnyArray:
    """Read an array `step` bytes behind its place; what lies beyond it is `fill`."""
    data = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    moved = np.full_like(data, fill)
    if step > 0:
        moved[:-step] = data[step:]
    else:
        moved[-step:] = data[:step]
    return moved.view(array.dtype).reshape(array.shape)


def with_params(evidence: Evidence, **changes: Any) -> Callable[[Case], AnyArray | None]:
    """Compute the layer with other parameters."""
    params = replace(evidence.params, **changes)
    reference = OPERATORS[evidence.node.op].reference
    return lambda case: only_output(evidence, reference(params, *case.inputs))


def on_input(
    evidence: Evidence, change: Callable[[AnyArray], AnyArray], **changes: Any
) -> Callable[[Case], AnyArray | None]:
    """Compute the layer from a changed first input."""
    params = replace(evidence.params, **changes) if changes else evidence.params
    reference = OPERATORS[evidence.node.op].reference
    return lambda case: only_output(
        evidence, reference(params, change(case.inputs[0]), *case.inputs[1:])
    )


def only_output(evidence: Evidence, result: Any) -> AnyArray:
    """Of a node's outputs take the one that the layer reports."""
    outputs: tuple[AnyArray, ...] = result if isinstance(result, tuple) else (result,)
    return outputs[evidence.node.outputs.index(evidence.layer.tensor)]


def has(evidence: Evidence, *names: str) -> bool:
    """Tell whether the layer's parameters have all of these."""
    known = {field.name for field in fields(evidence.params)}
    return known.issuperset(names)


def sums_products(evidence: Evidence) -> bool:
    """Tell whether the operator sums products and requantizes them."""
    return OPERATORS[evidence.node.op].accumulate is not None and has(
        evidence, "weights", "bias", "requantization", "output_zero_point", "activation_range"
    )


def from_sums(
    evidence: Evidence, finish: Callable[[NDArray[np.int64]], AnyArray]
) -> Callable[[Case], AnyArray | None]:
    """Compute the layer's exact sums, and from them the output in another way."""
    accumulate = OPERATORS[evidence.node.op].accumulate
    assert accumulate is not None
    return lambda case: finish(accumulate(evidence.params, *case.inputs)).astype(case.got.dtype)


def words(name: str) -> str:
    """Spell a parameter's name for people."""
    return name.replace("_", " ")
