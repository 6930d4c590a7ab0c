"""Where the accuracy goes: what each layer of a quantized network costs by itself, and what helps.

The error of a layer alone is that of the targets when it is the only one with integer weights, or
the only one whose output is rounded, and everything else computes in real numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qembed.floats import FLOAT_OPERATORS, executor
from qembed.floats.lowering import LayerEncoding
from qembed.ir import AnyArray, Graph, Node
from qembed.quantize import Quantized, mixed
from qembed.quantize.agreement import compare
from qembed.quantize.calibration import rounded
from qembed.quantize.equalize import peaks_of
from qembed.quantize.scheme import targets_of

MOST_SAMPLES = 128
NOTABLE = 0.1
"""Share of the noise from which on a layer is worth a word."""
UNEVEN = 30.0
"""Ratio of channel ranges from which on one scale serves some of them badly."""
CLIPPED = 0.01
DEAD = 1e-6
"""Of the largest range: a channel below it carries nothing."""
MOVES = (
    "broadcast_to",
    "concatenation",
    "gather",
    "mirror_pad",
    "pad",
    "reshape",
    "strided_slice",
    "transpose",
)
"""They hand on what was rounded before."""


@dataclass(frozen=True, slots=True)
class LayerAnalysis:
    """One node.

    Attributes
    ----------
    name, op : str
    weight_bits : int, optional
    sqnr : float, optional
        Of its output, everything before it quantized too, in dB.
    weight_noise, output_noise : float
        Its weights' and its output's part in the sum of what all layers do alone, in [0, 1].
    saturated : float
        Share of its real outputs beyond the ends of their integers.
    low, high : float
        Range of its real outputs.
    channel_ratio, weight_ratio : float
        Largest over smallest range of its output's channels, and of its weights' rows; channels
        that are as good as zero throughout are not counted.
    remedy : str
        What would help, or empty.
    """

    name: str
    op: str
    weight_bits: int | None
    sqnr: float | None
    weight_noise: float
    output_noise: float
    saturated: float
    low: float
    high: float
    channel_ratio: float
    weight_ratio: float
    remedy: str


def analyze(made: Quantized, inputs: Sequence[AnyArray]) -> tuple[LayerAnalysis, ...]:
    """Analyze a quantized network, node by node.

    Parameters
    ----------
    inputs : sequence of float32 ndarray
        (B, *shape) for each input; of many samples the first are used.
    """
    graph, inputs = made.real, [x[:MOST_SAMPLES] for x in inputs]
    real = executor.trace(graph, inputs)
    accumulated = compare(graph, made.graph, inputs).tensors
    errors = [_errors(made, real, place) for place in range(len(graph.nodes))]
    total = sum(map(sum, errors)) or 1.0
    peaks = peaks_of(real)
    return tuple(
        _layer(made, node, real, peaks, accumulated, (by_weights / total, by_output / total))
        for node, (by_weights, by_output) in zip(graph.nodes, errors, strict=True)
    )


def _errors(made: Quantized, real: Mapping[int, AnyArray], place: int) -> tuple[float, float]:
    """Squared error of the targets by a node's integer weights alone, and by its rounded output."""
    graph, node = made.real, made.real.nodes[place]
    y = node.outputs[0]
    by_weights = 0.0
    layer = made.decisions.layers.get(node.name)
    if layer is not None:
        params = _held(made, node, layer)
        values = executor.forward(graph, replace(node, params=params), real)
        by_weights = _target_error(graph, real, y, values, place)
    if node.op in MOVES:
        return by_weights, 0.0
    values = rounded(real[y], made.decisions.encodings[y])
    return by_weights, _target_error(graph, real, y, values, place)


def _held(made: Quantized, node: Node, layer: LayerEncoding) -> object:
    """Parameters with the real numbers that a layer's integers stand for; its bias stays."""
    view = FLOAT_OPERATORS[node.op].weights
    assert view is not None  # it has integers
    integers = replace(node.params, weights=layer.weights)
    channels = made.real.tensors[node.inputs[0]].shape[-1]
    groups = {"conv": channels // node.params.weights.shape[-1], "depthwise_conv": channels}
    rows = view.matrix(integers, groups.get(node.op, 1))
    held = rows * layer.scale.reshape(*rows.shape[:2], 1)
    return replace(node.params, weights=view.restored(node.params, held).astype(np.float32))


def _target_error(
    graph: Graph, real: Mapping[int, AnyArray], index: int, values: AnyArray, place: int
) -> float:
    targets = targets_of(graph)
    after = graph.nodes[place + 1 :]
    computed = {node.outputs[0] for node in after}
    given = {**real, index: values}
    found = {i: given[i] for i in targets if i not in computed}
    found |= executor.resume(graph, given, after, [i for i in targets if i in computed])
    return sum(float(np.square(found[i] - real[i], dtype=np.float64).sum()) for i in targets)


def _layer(
    made: Quantized,
    node: Node,
    real: Mapping[int, AnyArray],
    peaks: Mapping[int, AnyArray],
    accumulated: Mapping[str, float],
    noise: tuple[float, float],
) -> LayerAnalysis:
    y, layer = node.outputs[0], made.decisions.layers.get(node.name)
    values, encoding = real[y], made.decisions.encodings[y]
    by, limits = encoding.quantization, np.iinfo(encoding.dtype)
    low, high = ((end - by.zero_point) * by.scale for end in (limits.min, limits.max))
    outside = (values < low - by.scale / 2) | (values > high + by.scale / 2)
    found = LayerAnalysis(
        name=node.name,
        op=node.op,
        weight_bits=layer.bits if layer else None,
        sqnr=accumulated.get(made.real.tensors[y].name),
        weight_noise=noise[0],
        output_noise=noise[1],
        saturated=float(np.mean(outside)),
        low=float(values.min()),
        high=float(values.max()),
        channel_ratio=_ratio(peaks.get(y)),
        weight_ratio=_ratio(layer.scale) if layer else 1.0,
        remedy="",
    )
    return replace(found, remedy=_remedy(made, found))


def _ratio(reach: AnyArray | None) -> float:
    """Largest over smallest of what is alive."""
    alive = reach[reach > DEAD * reach.max()] if reach is not None else np.ones(1)
    return float(alive.max() / alive.min()) if alive.size else 1.0


def _remedy(made: Quantized, layer: LayerAnalysis) -> str:
    """Return what would help a layer most, with what it gains and costs."""
    if max(layer.weight_noise, layer.output_noise) < NOTABLE:
        return ""
    if layer.weight_noise > layer.output_noise:
        if layer.weight_bits != 4:
            return f"its weights make {layer.weight_noise:.0%} of the noise: more data to round by"
        more = mixed.sizes(made.real, 8)[layer.name] - mixed.sizes(made.real, 4)[layer.name]
        return f"keep its weights in 8 bits: {_gain(layer.weight_noise)} for {more:,} bytes"
    if layer.saturated > CLIPPED:
        return f"{layer.saturated:.1%} of its outputs are clipped: try --range min-max"
    if layer.channel_ratio > UNEVEN and made.recipe.equalize < 1:
        return f"channel ranges differ {layer.channel_ratio:.0f}x: equalize more"
    if made.recipe.activations == "int8":
        return f"its output needs more than 8 bits: {_gain(layer.output_noise)} in int16x8"
    return ""


def _gain(share: float) -> str:
    """Return what the outputs gain when a share of the noise goes."""
    return f"{-10 * np.log10(max(1 - share, 1e-3)):+.1f} dB"
