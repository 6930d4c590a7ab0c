"""The graph: what every stage reads and no stage changes. Frozen data, no behaviour.

A graph is a list of nodes in execution order over a table of tensors. Shapes are those of one
sample as the source model states them (an NHWC image is ``(1, H, W, C)``); executors add a
leading batch axis of their own. Arithmetic is integer and complete: a node's parameters hold its
weights, multipliers, shifts and zero points; scales only explain and convert at the edges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DType = Literal["int8", "uint8", "int16", "int32", "int64", "float32", "bool"]
DTYPES: tuple[DType, ...] = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

Shape = tuple[int, ...]
Padding2D = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right)), in pixels."""

AnyArray = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (quantized - zero_point). `scale` is exactly a float32, finite, > 0."""

    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One value of the graph.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Of one sample, each >= 1; ``()`` is a scalar.
    dtype : DType
    quantization : Quantization, optional
        Per tensor; None where the numbers mean themselves.
    data : ndarray, optional
        The value, if it is a constant.
    reset_value : int, optional
        If given, the tensor is state: it keeps its value from one inference to the next, and a
        reset fills it with this number. It is an output of the node that updates it, and may be
        an input of that node and of others: those before see the old value, those after the new.
    """

    name: str
    shape: Shape
    dtype: DType
    quantization: Quantization | None = None
    data: AnyArray | None = None
    reset_value: int | None = None

    @property
    def nbytes(self) -> int:
        """Size of one sample in memory."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator applied to tensors, given by their index in ``Graph.tensors``.

    Attributes
    ----------
    name : str
        Unique in the graph; any text.
    op : str
        Stem of the operator: a key of ``qembed.ops.OPERATORS``.
    params : object
        An instance of that operator's parameter dataclass.
    inputs, outputs : tuple of int
        A tensor is the output of at most one node, state apart.
    """

    name: str
    op: str
    params: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Inputs that travel with a model so that it can be run without further arguments.

    Attributes
    ----------
    inputs : tuple of ndarray
        One per graph input, shape (B, *tensor.shape), the tensor's dtype.
    labels : int64 ndarray, optional
        Class index of each sample, shape (B,).
    """

    inputs: tuple[AnyArray, ...]
    labels: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A model: tensors, nodes in execution order, and what a user should know about it.

    Attributes
    ----------
    name : str
    tensors, nodes : tuple
    inputs, outputs : tuple of int
        Tensor indices.
    profile : str
        Numerics profile: whose bytes these are (docs/arithmetic.md).
    classes : tuple of str
        Names of the classes of the (first) output, or empty.
    samples : Samples, optional
    source : dict of str to str
        Provenance, for people: file name, hash of the file, tool.
    """

    name: str
    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    profile: str = "tflm"
    classes: tuple[str, ...] = ()
    samples: Samples | None = None
    source: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> tuple[int, ...]:
        """Indices of the tensors that live from one inference to the next."""
        return tuple(i for i, t in enumerate(self.tensors) if t.reset_value is not None)
