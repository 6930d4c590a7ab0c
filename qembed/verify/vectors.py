"""Adversarial inputs: samples chosen so that every layer is driven to its arithmetic corners.

Random data rarely shows a wrong rounding: it takes an accumulator that lies exactly on a tie. This
module searches inputs until each layer that requantizes has met its corners, or until its budget
is spent, and says which corners were met, which cannot be met, and which were not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from qembed.arithmetic import (
    ROUNDINGS,
    Int64Array,
    Requantization,
    high_multiply,
    requantize,
    wrap_int32,
)
from qembed.ir import AnyArray, DType, Graph, Node
from qembed.ops import OPERATORS, _accumulator, _check, average_pool

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
MOST_ENUMERATED = 1 << 20
"""Accumulators that are tried to see what a layer can reach at all."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Rounded:
    """What the last rounding of a layer makes of some accumulators.

    Attributes
    ----------
    value : int64 ndarray
        Outputs before they are clamped.
    ties : int64 ndarray
        1 or -1, the sign, where an accumulator lies exactly between two steps; 0 elsewhere.
    once : int64 ndarray
        Outputs if a layer that rounds twice rounded once, before they are clamped.
    """

    value: Int64Array
    ties: Int64Array
    once: Int64Array


def adversarial(graph: Graph, trace: Trace, *, candidates: int = 512, seed: int = 0) -> Vectors:
    """Choose inputs that drive each layer of `graph` to its corners.

    Parameters
    ----------
    graph : Graph
        With state, the vectors are one sequence of steps from the reset state.
    trace : callable
        `trace` of an executor of this graph.
    candidates : int
        Inputs to try, at most; a few of them are kept.
    seed : int
        The same seed gives the same vectors.
    """
    layers = [i for i, node in enumerate(graph.nodes) if _rounds(node)]
    wanted = {(i, corner) for i in layers for corner in _reachable(graph, graph.nodes[i])}
    search = _Search(graph, trace, layers, np.random.default_rng(seed))
    if graph.state:
        search.walk(max(BATCH, candidates), wanted)
    else:
        for _ in range(max(1, candidates // BATCH)):
            search.sift()
            if wanted <= search.hit:
                break
    coverage = tuple(
        Coverage(i, corner, (i, corner) in search.hit, (i, corner) in wanted)
        for i in layers
        for corner in CORNERS
    )
    return Vectors(tuple(np.stack(parts) for parts in zip(*search.kept, strict=True)), coverage)


class _Search:
    """Inputs that were kept, and the corners that they hit."""

    def __init__(
        self, graph: Graph, trace: Trace, layers: Sequence[int], rng: np.random.Generator
    ) -> None:
        self.kept: list[tuple[AnyArray, ...]] = []
        self.hit: set[tuple[int, Corner]] = set()
        self._graph, self._trace, self._layers = graph, trace, layers
        self._source = _candidates(graph, rng, self.kept)

    def sift(self) -> None:
        """Keep those of the next inputs that hit something new."""
        batch = [next(self._source) for _ in range(BATCH)]
        found = self._found(batch)
        for sample in sorted(range(BATCH), key=lambda s: -len(found[s])):
            if not found[sample] <= self.hit or not self.kept:
                self.kept.append(batch[sample])
                self.hit |= found[sample]

    def walk(self, steps: int, wanted: set[tuple[int, Corner]]) -> None:
        """Keep the next inputs as one sequence, up to the last that hits something new."""
        batch = [next(self._source) for _ in range(steps)]
        last = 0
        for step, corners in enumerate(self._found(batch)):
            if not corners <= self.hit:
                self.hit |= corners
                last = step
            if wanted <= self.hit:
                break
        self.kept += batch[: last + 1]

    def _found(self, batch: Sequence[tuple[AnyArray, ...]]) -> list[set[tuple[int, Corner]]]:
        """Corners that each of some inputs drives the layers to."""
        inputs = [np.stack(parts) for parts in zip(*batch, strict=True)]
        traced = self._trace(inputs)
        found: list[set[tuple[int, Corner]]] = [set() for _ in batch]
        for i in self._layers:
            node = self._graph.nodes[i]
            operands = [_samples(self._graph, traced, i, index) for index in node.inputs]
            for sample, arrays in enumerate(zip(*operands, strict=True)):
                found[sample] |= {(i, corner) for corner in _corners_hit(node, arrays)}
        return found


def _samples(graph: Graph, traced: dict[int, AnyArray], reader: int, index: int) -> AnyArray:
    """Return what node `reader` saw of a tensor in each sample."""
    tensor = graph.tensors[index]
    count = len(traced[graph.inputs[0]])
    if tensor.data is not None:
        return np.broadcast_to(tensor.data, (count, *tensor.shape))
    after = traced[index]
    if index not in graph.state or any(index in n.outputs for n in graph.nodes[:reader]):
        return after
    # State that is written later in the step: what the step before left.
    start = np.full((1, *tensor.shape), tensor.reset_value, tensor.dtype)
    return np.concatenate([start, after[:-1]])


def _rounds(node: Node) -> bool:
    """Whether the layer has a last rounding in fixed point whose corners can be told."""
    if node.op == "average_pool":
        return True
    if OPERATORS[node.op].accumulate is None:
        return False
    # What is rounded in floating point, or once, is no device's business.
    only_desk = getattr(node.params, "sum_scale", None) is not None
    return not only_desk and _last_scaling(node).rounding in ROUNDINGS


def _last_scaling(node: Node) -> Requantization:
    """Return the requantization that takes what `accumulate` returns."""
    names = ("output_requantization", "requantization")
    return cast(
        Requantization, next(getattr(node.params, n) for n in names if hasattr(node.params, n))
    )


def _reachable(graph: Graph, node: Node) -> set[Corner]:
    """Corners that are not excluded by the layer's own constants."""
    dtype = graph.tensors[node.outputs[0]].dtype
    possible = _every_output(graph, node)
    if possible is not None:
        return _corners_of(node, possible, dtype)
    if node.op == "average_pool":
        return set(CORNERS) - {"rounding matters", "extreme sum"}
    by = _last_scaling(node)
    live = by.multiplier != 0
    corners: set[Corner] = set(CORNERS)
    if OPERATORS[node.op].rows is None:
        corners.remove("extreme sum")
    if not bool(np.any(live)):  # constant, and perhaps outside of the clamp
        nothing = np.zeros(by.multiplier.size, np.int64)
        return (corners & {"extreme sum"}) | _corners_of(node, _requantized(node, nothing), dtype)
    if by.rounding != "double" or not bool(np.any(live & (by.shift < 0))):
        corners -= {"tie above zero", "tie below zero"}
    if by.rounding != "double" or not bool(np.any(live & (by.shift != 0))):
        corners.remove("rounding matters")
    return corners


def _every_output(graph: Graph, node: Node) -> _Rounded | None:
    """Return all that the last rounding can make; None where that is too much to enumerate."""
    operands = [graph.tensors[i] for i in node.inputs]
    if any(t.dtype != "int8" for t in operands):
        return None
    every = np.arange(-128, 128).astype(np.int8)
    if node.op in ("add", "mul", "squared_difference"):
        first, second = (every if t.data is None else np.unique(t.data) for t in operands)
        accumulate = OPERATORS[node.op].accumulate
        assert accumulate is not None
        return _requantized(node, accumulate(node.params, first[:, None], second[None, :]))
    if node.op == "mean":
        x, y = operands[0], graph.tensors[node.outputs[0]]
        count = math.prod(x.shape) // math.prod(y.shape)
        zero_point = node.params.input_zero_point
        if count > MOST_ENUMERATED // 256:
            return None
        return _requantized(
            node, np.arange(count * (-128 - zero_point), count * (127 - zero_point) + 1)
        )
    if node.op == "average_pool":
        _, counts = average_pool.totals(node.params, np.zeros(operands[0].shape, np.int8))
        sums = [(np.arange(-128 * n, 127 * n + 1), n) for n in map(int, np.unique(counts))]
        if sum(total.size for total, _ in sums) > MOST_ENUMERATED:
            return None
        return _averaged(
            np.concatenate([total for total, _ in sums]),
            np.concatenate([np.full(total.size, n) for total, n in sums]),
        )
    return None


def _corners_hit(node: Node, arrays: Sequence[AnyArray]) -> set[Corner]:
    """Corners that one sample drives a layer to."""
    dtype = cast(DType, arrays[0].dtype.name)
    if node.op == "average_pool":
        return _corners_of(node, _averaged(*average_pool.totals(node.params, arrays[0])), dtype)
    operator = OPERATORS[node.op]
    assert operator.accumulate is not None  # the caller chose layers that have it
    acc = operator.accumulate(node.params, *arrays)
    corners = _corners_of(node, _requantized(node, acc), dtype)
    if operator.rows is not None:
        weights = operator.rows(node.params)
        reach = _accumulator.bounds(weights, node.params.bias, node.params.input_zero_point, dtype)
        largest: Int64Array = np.maximum(reach.high, -reach.low)
        if bool(np.any(np.abs(acc) * 2 >= largest)):
            corners.add("extreme sum")
    return corners


def _corners_of(node: Node, rounded: _Rounded, dtype: DType) -> set[Corner]:
    low, high = getattr(node.params, "activation_range", _check.limits(dtype))
    clamped, clamped_once = (np.clip(y, low, high) for y in (rounded.value, rounded.once))
    met: dict[Corner, AnyArray] = {
        "lower clamp": rounded.value < low,
        "upper clamp": rounded.value > high,
        "tie above zero": rounded.ties > 0,
        "tie below zero": rounded.ties < 0,
        "rounding matters": clamped != clamped_once,
    }
    return {corner for corner, where in met.items() if bool(np.any(where))}


def _requantized(node: Node, acc: Int64Array) -> _Rounded:
    by, zero_point = _last_scaling(node), node.params.output_zero_point
    value = requantize(acc, by) + zero_point
    if by.rounding != "double":
        return _Rounded(value, np.zeros_like(acc), value)
    right = np.maximum(-by.shift.astype(np.int64), 0)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), -1)
    raised = wrap_int32(acc << np.maximum(by.shift.astype(np.int64), 0))
    first = high_multiply(raised, by.multiplier.astype(np.int64))
    tie = (first & ((np.int64(1) << right) - 1)) == half
    single = Requantization(by.multiplier, by.shift, "single")
    return _Rounded(value, np.sign(first) * tie, requantize(acc, single) + zero_point)


def _averaged(total: Int64Array, count: Int64Array) -> _Rounded:
    value = np.sign(total) * ((np.abs(total) + count // 2) // count)
    tie = 2 * np.abs(total) % (2 * count) == count
    return _Rounded(value, np.sign(total) * tie, value)


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
    if first is None or len(graph.inputs) != 1 or OPERATORS[first.op].rows is None:
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
