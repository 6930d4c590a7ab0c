"""Integer weights and bias of one layer, from what its input was and what it has become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.floats import FLOAT_OPERATORS
from qembed.floats.lowering import LayerEncoding
from qembed.ir import AnyArray, DType, Node, Shape
from qembed.quantize import ranges, rounding

LARGEST_BIAS = float(1 << 30)
MOST_ROWS = 1 << 15
"""Rows of inputs that a layer's moments are taken from."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to quantize.

    Attributes
    ----------
    activations : DType
        "int8" or "int16".
    bits : int
        Of weights, where `layer_bits` does not say otherwise: 8 or 4.
    layer_bits : mapping
        Bits of single layers, by the node's name.
    ranges : tuple of str
        Keys of `ranges.METHODS` to choose from, tensor by tensor.
    equalize : float
        Strength of `equalize.equalized`.
    compensate, feedback : bool
        See `rounding`.
    power_of_two : bool
        Scales of activations and weights are powers of two.
    """

    activations: DType = "int8"
    bits: int = 8
    layer_bits: Mapping[str, int] = field(default_factory=dict)
    ranges: tuple[str, ...] = tuple(ranges.METHODS)
    equalize: float = 0.0
    compensate: bool = False
    feedback: bool = True
    power_of_two: bool = False


def make_layer(
    node: Node, output: Shape, step: float, real: AnyArray, rounded: AnyArray, recipe: Recipe
) -> tuple[LayerEncoding, Any]:
    """Round a layer's weights.

    Parameters
    ----------
    node : Node
        With weights.
    output : Shape
        Of its output.
    step : float
        Scale of its input.
    real, rounded : float32 ndarray, shape (B, *shape)
        Its input in the float network, and in the quantized one.

    Returns
    -------
    LayerEncoding
    object
        The float layer's parameters with the real numbers that the integers stand for.
    """
    view = FLOAT_OPERATORS[node.op].weights
    assert view is not None  # the caller asks for layers only
    bits = recipe.layer_bits.get(node.name, recipe.bits)
    copies = [_unfolded(node, output, x) for x in (real, rounded)] if view.unfold else None
    matrices = view.matrix(node.params, len(copies[0]) if copies else 1).astype(np.float64)
    integers = np.empty(matrices.shape, np.int8)
    scales = np.empty(matrices.shape[:2], np.float32)
    bias = node.params.bias.astype(np.float64).reshape(matrices.shape[:2])
    for g, plain in enumerate(matrices):
        seen = rounding.moments(copies[0][g], copies[1][g]) if copies else None
        floor = np.abs(bias[g]) / (step * LARGEST_BIAS)
        integers[g], scales[g] = _rounded(plain, seen, bits, floor, recipe)
        if seen is not None:
            held = integers[g] * scales[g].astype(np.float64)[:, None]
            bias[g] += plain @ seen.real_mean - held @ seen.mean
    scale, steps = scales.reshape(-1), step * scales.reshape(-1).astype(np.float64)
    whole = np.clip(np.rint(bias.reshape(-1) / steps), -LARGEST_BIAS, LARGEST_BIAS)
    layer = LayerEncoding(
        weights=view.restored(node.params, integers),
        scale=scale,
        bias=whole.astype(np.int32 if recipe.activations == "int8" else np.int64),
        bits=bits,
    )
    held_weights = view.restored(node.params, integers * scales[:, :, None])
    held_bias = (whole * steps).astype(np.float32)
    return layer, replace(node.params, weights=held_weights.astype(np.float32), bias=held_bias)


def _rounded(
    plain: rounding.Matrix,
    seen: rounding.Moments | None,
    bits: int,
    floor: NDArray[np.float64],
    recipe: Recipe,
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers and scales of one group; no scale is below `floor` or zero."""
    largest = (1 << (bits - 1)) - 1
    if seen is not None and recipe.compensate:
        plain = rounding.compensated(plain, seen)
    scale = rounding.channel_scales(plain, largest, by_error=bits < 8)
    usual = float(scale.max()) or 1.0  # for channels whose weights are all zero
    scale = np.maximum(np.where(scale > 0, scale, usual), floor).astype(np.float32)
    if recipe.power_of_two:
        scale = np.exp2(np.ceil(np.log2(scale))).astype(np.float32)
    if seen is not None and recipe.feedback:
        return rounding.with_feedback(plain, scale, largest, seen), scale
    return rounding.nearest(plain, scale, largest), scale


def _unfolded(node: Node, output: Shape, x: AnyArray) -> AnyArray:
    """Return rows of a layer's inputs, (G, rows, K), evenly taken."""
    view = FLOAT_OPERATORS[node.op].weights
    assert view is not None and view.unfold is not None
    images = x.reshape(-1, *x.shape[2:]) if len(output) == 4 and x.ndim == 5 else x
    most = max(1, MOST_ROWS // int(np.prod(output[:-1])))
    return view.unfold(node.params, images[:: max(1, -(-len(images) // most))])
