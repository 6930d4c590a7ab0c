"""Run a model over a data set, in bounded memory, and say how it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qembed.backends import reference
from qembed.backends.gpu.model import GpuModel
from qembed.backends.host import HostModel
from qembed.dataset import Dataset, blocks
from qembed.errors import InputError
from qembed.ir import AnyArray, Graph

Compiled = Literal["host", "gpu"]
Form = Literal["host", "gpu", "reference"]

BLOCK_BYTES = 32 << 20
"""Activations that are held at once."""
MAX_BLOCK = 4096
MAX_CONFUSION = 256
"""Classes up to which a confusion matrix is counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A few samples and what became of them: arrays (b, *shape).

    Attributes
    ----------
    outputs : tuple of ndarray
    tensors : mapping of int to ndarray, optional
        Every tensor that is not a constant, by index.
    """

    outputs: tuple[AnyArray, ...]
    tensors: Mapping[int, AnyArray] | None


@dataclass(frozen=True, slots=True)
class Saturation:
    """How often the output of a layer lies at an end of its range, over all samples.

    Attributes
    ----------
    layer : int
        Index of the node.
    low, high : int
        The ends of the range.
    at_low : int, optional
        None if the low end stands for zero, as after a ReLU: then nothing is lost there.
    at_high, total : int
    """

    layer: int
    name: str
    op: str
    low: int
    high: int
    at_low: int | None
    at_high: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a run over a data set came to.

    Attributes
    ----------
    correct : int, optional
        Samples whose largest output is at their label; None without labels.
    confusion : int64 ndarray (C, C), optional
        Row: label, column: decision.
    seconds : float
        Of computing alone.
    """

    form: Form
    samples: int
    correct: int | None
    accuracy: float | None
    confusion: NDArray[np.int64] | None
    saturation: tuple[Saturation, ...] | None
    seconds: float


def executor(graph: Graph, form: Compiled) -> HostModel | GpuModel:
    """Plan a graph for a compiled form."""
    return HostModel(graph) if form == "host" else GpuModel(graph)


def run_blocks(
    graph: Graph, dataset: Dataset, form: Form, threads: int, traced: bool
) -> Iterator[Block]:
    """Run a data set block by block; samples of a model with state are successive steps."""
    size = _block_size(graph, dataset, form)
    model = executor(graph, form) if form != "reference" else None
    for number, inputs in enumerate(blocks(dataset, size)):
        tensors: dict[int, AnyArray] | None = None
        if model is not None and not traced:
            outputs = model.run(inputs, threads, keep_state=number > 0)
        else:
            tensors = (
                model.trace(inputs, keep_state=number > 0)
                if model
                else reference.trace(graph, inputs)
            )
            outputs = reference.outputs_of(graph, tensors)
        yield Block(outputs, tensors)


def evaluate(
    graph: Graph,
    dataset: Dataset,
    form: Form = "host",
    threads: int = 1,
    saturation: bool = True,
    use: Callable[[Block], None] | None = None,
    traced: bool = False,
) -> Evaluation:
    """Run a data set and count.

    Parameters
    ----------
    graph : Graph
    dataset : Dataset
    form : "host", "gpu" or "reference"
    threads : int
    saturation : bool
        Also look at every layer's values; slower.
    use : callable, optional
        Called with each block.
    traced : bool
        Give `use` every tensor.

    Raises
    ------
    InputError
        If the data cannot be read, or a label is no class of the first output.
    """
    classes = int(np.prod(graph.tensors[graph.outputs[0]].shape, dtype=np.int64))
    labels = _checked_labels(dataset, classes)
    confusion = np.zeros((classes, classes), np.int64) if classes <= MAX_CONFUSION else None
    counts = np.zeros((len(graph.nodes), 3), np.int64)
    correct = done = 0
    seconds = -time.perf_counter()
    for block in run_blocks(graph, dataset, form, threads, traced or saturation):
        seconds += time.perf_counter()
        size = len(block.outputs[0])
        if labels is not None:
            decided = block.outputs[0].reshape(size, -1).argmax(axis=1)
            known = labels[done : done + size]
            correct += int(np.count_nonzero(decided == known))
            if confusion is not None:
                np.add.at(confusion, (known, decided), 1)
        if saturation and block.tensors is not None:
            counts += [_at_ends(graph, i, block.tensors) for i in range(len(graph.nodes))]
        if use is not None:
            use(block)
        done += size
        seconds -= time.perf_counter()
    return Evaluation(
        form=form,
        samples=done,
        correct=None if labels is None else correct,
        accuracy=None if labels is None else correct / done,
        confusion=None if labels is None else confusion,
        saturation=_saturation(graph, counts) if saturation else None,
        seconds=seconds + time.perf_counter(),
    )


def _block_size(graph: Graph, dataset: Dataset, form: Form) -> int:
    if form == "reference" and graph.state:
        return dataset.count  # the reference keeps no state between calls
    sample = sum(t.nbytes for t in graph.tensors if t.data is None)
    return max(1, min(MAX_BLOCK, BLOCK_BYTES // sample))


def _checked_labels(dataset: Dataset, classes: int) -> NDArray[np.int64] | None:
    labels = dataset.labels
    if labels is not None and (labels.min() < 0 or labels.max() >= classes):
        raise InputError(
            f"labels from {labels.min()} to {labels.max()} do not fit an output of {classes} "
            "classes, numbered from 0"
        )
    return labels


def _ends(graph: Graph, layer: int) -> tuple[int, int] | None:
    """Range of a layer's output: its clamp, or its type's; None if it holds no integers."""
    dtype = np.dtype(graph.tensors[graph.nodes[layer].outputs[0]].dtype)
    if dtype.kind not in "iu":
        return None
    limits = np.iinfo(dtype)
    low, high = getattr(graph.nodes[layer].params, "activation_range", (limits.min, limits.max))
    return int(low), int(high)


def _at_ends(graph: Graph, layer: int, tensors: Mapping[int, AnyArray]) -> Sequence[int]:
    output, ends = tensors[graph.nodes[layer].outputs[0]], _ends(graph, layer)
    if ends is None:
        return 0, 0, 0
    low, high = ends
    at_low, at_high = (int(np.count_nonzero(output == end)) for end in (low, high))
    return at_low, at_high, output.size


def _saturation(graph: Graph, counts: NDArray[np.int64]) -> tuple[Saturation, ...]:
    rows = []
    for index, node in enumerate(graph.nodes):
        ends = _ends(graph, index)
        by = graph.tensors[node.outputs[0]].quantization
        if ends is None:
            continue
        at_low, at_high, total = (int(n) for n in counts[index])
        zero = by is not None and by.zero_point == ends[0]
        rows.append(
            Saturation(index, node.name, node.op, *ends, None if zero else at_low, at_high, total)
        )
    return tuple(rows)
