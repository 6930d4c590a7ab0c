"""Adversarial inputs: samples chosen so that every layer is driven to its arithmetic corners.

Random data rarely shows a wrong rounding: it takes an accumulator that lies exactly on a tie. This
module searches inputs until each layer that requantizes has met its corners, or until its budget
is spent, and says which corners were met, which cannot be met, and which were not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, high_multiply, requantize, wrap_int32
from qembed.ir import AnyArray, DType, Graph, Node
from qembed.ops import OPERATORS, _accumulator, _check

Corner = Literal[
    "lower clamp",
    "upper clamp",
    "tie above zero",
    "tie below zero",
    "rounding matters",
    "extreme sum",
]
CORNERS: dict[Corner, str] = {
    "lower clamp": "a value below the activation range is cut off",
    "upper clamp": "a value above the activation range is cut off",
    "tie above zero": "a positive value lies exactly between two steps",
    "tie below zero": "a negative value lies exactly between two steps",
    "rounding matters": "rounding once instead of twice would give another byte",
    "extreme sum": "an accumulator reaches half of the largest that its channel can reach",
}

Trace = Callable[[Sequence[AnyArray]], dict[int, AnyArray]]
"""Runs a batch and returns every tensor by index: `trace` of an executor."""

BATCH = 16


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether the chosen inputs drive one layer to one corner.

    Attributes
    ----------
    node : int
        Index in ``Graph.nodes``.
    corner : Corner
    hit : bool
    reachable : bool
        False where it is proved that no input at all can hit it.
    """

    node: int
    corner: Corner
    hit: bool
    reachable: bool


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Chosen inputs, one array (B, *shape) per graph input, and what they cover."""

    inputs: tuple[AnyArray, ...]
    coverage: tuple[Coverage, ...]


def adversarial(graph: Graph, trace: Trace, *, candidates: int = 512, seed: int = 0) -> Vectors:
    """Choose inputs that drive each layer of `graph` to its corners.

    Parameters
    ----------
    graph : Graph
        Without state: samples must be independent.
    trace : callable
        `trace` of an executor of this graph.
    candidates : int
        Inputs to try, at most; a few of them are kept.
    seed : int
        The same seed gives the same vectors.
    """
    layers = [i for i, node in enumerate(graph.nodes) if OPERATORS[node.op].accumulate is not None]
    wanted = {(i, corner) for i in layers for corner in _reachable(graph.nodes[i])}
    rng = np.random.default_rng(seed)
    kept: list[tuple[AnyArray, ...]] = []
    hit: set[tuple[int, Corner]] = set()

    source = _candidates(graph, rng, kept)
    for _ in range(max(1, candidates // BATCH)):
        batch = [next(source) for _ in range(BATCH)]
        inputs = [np.stack(parts) for parts in zip(*batch, strict=True)]
        traced = trace(inputs)
        found: list[set[tuple[int, Corner]]] = [set() for _ in batch]
        for i in layers:
            x = traced[graph.nodes[i].inputs[0]]
            for sample, corners in enumerate(_corners_hit(graph.nodes[i], x)):
                found[sample] |= {(i, corner) for corner in corners}
        for sample in sorted(range(BATCH), key=lambda s: -len(found[s])):
            if not found[sample] <= hit or not kept:
                kept.append(batch[sample])
                hit |= found[sample]
        if wanted <= hit:
            break
    coverage = tuple(
        Coverage(i, corner, (i, corner) in hit, (i, corner) in wanted)
        for i in layers
        for corner in CORNERS
    )
    return Vectors(tuple(np.stack(parts) for parts in zip(*kept, strict=True)), coverage)


def _reachable(node: Node) -> set[Corner]:
    """Corners that are not excluded by the layer's own constants."""
    by: Requantization = node.params.requantization
    corners: set[Corner] = set(CORNERS)
    live = by.multiplier != 0
    if not bool(np.any(live)):
        return set()
    if by.rounding != "double" or not bool(np.any(live & (by.shift < 0))):
        corners -= {"tie above zero", "tie below zero", "rounding matters"}
    return corners


def _corners_hit(node: Node, x: AnyArray) -> Iterator[set[Corner]]:
    """Corners that each sample of a batch drives one layer to."""
    accumulate = OPERATORS[node.op].accumulate
    assert accumulate is not None  # the caller chose layers that have it
    by: Requantization = node.params.requantization
    right = np.maximum(-by.shift.astype(np.int64), 0)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), -1)
    mask = (np.int64(1) << right) - 1
    low, high = node.params.activation_range
    reach = _largest_sums(node, cast(DType, x.dtype.name))
    single = Requantization(by.multiplier, by.shift, "single")
    for sample in x:
        acc = accumulate(node.params, sample)
        y = requantize(acc, by) + node.params.output_zero_point
        corners: set[Corner] = set()
        if bool(np.any(y < low)):
            corners.add("lower clamp")
        if bool(np.any(y > high)):
            corners.add("upper clamp")
        if bool(np.any(np.abs(acc) * 2 >= reach)):
            corners.add("extreme sum")
        if by.rounding == "double":
            raised = wrap_int32(acc << np.maximum(by.shift.astype(np.int64), 0))
            first = high_multiply(raised, by.multiplier.astype(np.int64))
            tie = (first & mask) == half
            if bool(np.any(tie & (first > 0))):
                corners.add("tie above zero")
            if bool(np.any(tie & (first < 0))):
                corners.add("tie below zero")
            other = requantize(acc, single) + node.params.output_zero_point
            if bool(np.any(np.clip(y, low, high) != np.clip(other, low, high))):
                corners.add("rounding matters")
        yield corners


def _largest_sums(node: Node, dtype: DType) -> NDArray[np.int64]:
    """Largest magnitude that each channel's accumulator can reach, shape (O,)."""
    weights = node.params.weights
    if node.op == "depthwise_conv":
        weights = np.moveaxis(weights, 2, 0)
    rows = weights.reshape(weights.shape[0], -1)
    reach = _accumulator.bounds(rows, node.params.bias, node.params.input_zero_point, dtype)
    largest: NDArray[np.int64] = np.maximum(reach.high, -reach.low)
    return largest


def _candidates(
    graph: Graph, rng: np.random.Generator, kept: list[tuple[AnyArray, ...]]
) -> Iterator[tuple[AnyArray, ...]]:
    """Yield inputs of one sample without end: extremes, solved ones, random, mutations."""
    tensors = [graph.tensors[i] for i in graph.inputs]

    def each(make: Callable[[int, int, tuple[int, ...], str], AnyArray]) -> tuple[AnyArray, ...]:
        return tuple(make(*_check.limits(t.dtype), t.shape, t.dtype) for t in tensors)

    yield each(lambda low, high, shape, dtype: np.full(shape, low, dtype))
    yield each(lambda low, high, shape, dtype: np.full(shape, high, dtype))
    yield tuple(
        np.full(t.shape, t.quantization.zero_point if t.quantization else 0, t.dtype)
        for t in tensors
    )
    yield from _solved(graph)
    while True:
        yield each(lambda low, high, shape, dtype: rng.integers(low, high + 1, shape, dtype))
        yield each(lambda low, high, shape, dtype: rng.choice(np.array([low, high], dtype), shape))
        yield each(lambda low, high, shape, dtype: _smooth(rng, low, high, shape, dtype))
        if graph.samples is not None:
            at = int(rng.integers(graph.samples.inputs[0].shape[0]))
            yield tuple(array[at] for array in graph.samples.inputs)
        if kept:
            parent = kept[int(rng.integers(len(kept)))]
            yield tuple(_mutated(rng, array) for array in parent)


def _solved(graph: Graph) -> Iterator[tuple[AnyArray, ...]]:
    """Yield inputs that drive channels of the first layer to their largest sums."""
    first = next((n for n in graph.nodes if n.inputs[0] == graph.inputs[0]), None)
    if first is None or len(graph.inputs) != 1 or OPERATORS[first.op].accumulate is None:
        return
    tensor = graph.tensors[graph.inputs[0]]
    low, high = _check.limits(tensor.dtype)
    weights = first.params.weights
    if first.op == "depthwise_conv":
        weights = np.moveaxis(weights, 2, 0)[..., None]
    for channel in weights[: 2 * BATCH]:
        for positive, negative in ((high, low), (low, high)):
            pattern = np.where(channel >= 0, positive, negative).astype(tensor.dtype)
            yield (np.resize(_tiled(pattern, tensor.shape), tensor.shape),)


def _tiled(pattern: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Repeat a window (KH, KW, I) over an image (1, H, W, C); other shapes as they are."""
    if pattern.ndim != 3 or len(shape) != 4:
        return pattern
    repeats = [-(-n // k) for n, k in zip(shape[1:], pattern.shape, strict=True)]
    return np.tile(pattern, repeats)[None, : shape[1], : shape[2], : shape[3]]


def _smooth(
    rng: np.random.Generator, low: int, high: int, shape: tuple[int, ...], dtype: str
) -> AnyArray:
    """Values around a random level with a random spread: what trained layers respond to."""
    level, spread = rng.uniform(low, high), rng.uniform(1, (high - low) / 4)
    return np.clip(np.rint(rng.normal(level, spread, shape)), low, high).astype(dtype)


def _mutated(rng: np.random.Generator, array: AnyArray) -> AnyArray:
    """Copy with a random share of its values drawn anew from the extremes."""
    low, high = _check.limits(array.dtype.name)
    chosen = rng.random(array.shape) < rng.choice([0.02, 0.1, 0.4])
    return np.where(chosen, rng.choice(np.array([low, high], array.dtype), array.shape), array)
