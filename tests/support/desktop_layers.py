"""Graphs of one random layer that rounds as desktop runtimes do: what no device computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed.arithmetic import FLOAT_ROUNDINGS, Requantization, requantization
from qembed.ir import Graph
from qembed.ops.add import SumScale
from qembed.validate import validate
from support.draw import choice
from support.layers import LAYERS


def add(rng) -> tuple[Graph, tuple[np.ndarray, ...]]:
    """Sums that are rounded once. Small shifts make ties, as do powers of two."""
    made, inputs = LAYERS["add"](rng)
    multipliers = choice(rng, (rng.integers(0, 1 << 22, 2), 1 << rng.integers(0, 22, 2)))
    shift = int(rng.integers(max(1, int(max(multipliers)).bit_length() - 2), 24))
    scale = SumScale(int(multipliers[0]), int(multipliers[1]), shift)
    return with_params(made, sum_scale=scale), inputs


def sums(op: str):
    """Layers of an operator that sums products, scaled in floating point."""

    def make(rng) -> tuple[Graph, tuple[np.ndarray, ...]]:
        made, inputs = LAYERS[op](rng)
        while made.nodes[0].params.requantization.rounding == "wide":
            made, inputs = LAYERS[op](rng)
        by = made.nodes[0].params.requantization
        # Halves, and what float32 rounds otherwise than float64.
        real = np.where(
            rng.random(by.shift.shape) < 0.3,
            2.0 ** np.clip(by.shift, -20, 0),
            by.multiplier * 2.0 ** (by.shift.astype(float) - 31),
        )
        scaled = Requantization(
            by.multiplier, by.shift, choice(rng, FLOAT_ROUNDINGS), np.minimum(real, 2.0**29)
        )
        return with_params(made, requantization=scaled), inputs

    return make


def quantize(rng) -> tuple[Graph, tuple[np.ndarray, ...]]:
    """Real numbers whose ties go to even steps."""
    made, inputs = LAYERS["quantize"](rng)
    while made.nodes[0].params.scale is None:
        made, inputs = LAYERS["quantize"](rng)
    return with_params(made, ties_to_even=True), inputs


def narrow(op: str):
    """Layers of one multiplier, scaled in float32."""

    def make(rng) -> tuple[Graph, tuple[np.ndarray, ...]]:
        made, inputs = LAYERS[op](rng)
        real = choice(rng, (0.5, 0.25, 2.0**-8, 2.0 ** float(rng.uniform(-12, 1))))
        by = requantization(np.array([float(np.float32(real))]), "float32")
        while made.nodes[0].params.requantization.rounding == "wide":
            made, inputs = LAYERS[op](rng)
        return with_params(made, requantization=by), inputs

    return make


def with_params(made: Graph, **changed) -> Graph:
    (node,) = made.nodes
    node = replace(node, params=replace(node.params, **changed))
    return validate(replace(made, nodes=(node,)))


DESKTOP_LAYERS = {
    "add": add,
    "quantize": quantize,
    **{op: narrow(op) for op in ("batch_matmul", "mean")},
    **{op: sums(op) for op in ("conv", "depthwise_conv", "fully_connected", "transpose_conv")},
}
