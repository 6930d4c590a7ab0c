"""Numerics profiles: whose bytes a model file promises, as data. docs/arithmetic.md, section 3.

A profile decides two things at import: how accumulators are rounded, and how real multipliers are
computed from float32 scales before they are quantized (`float32_steps`). Afterwards both are plain
numbers and names in the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, Rounding, requantization, round_half_away
from qembed.errors import ModelError, UnsupportedError
from qembed.ir import DType
from qembed.ops.add import SumScale


@dataclass(frozen=True, slots=True)
class Numerics:
    """One profile.

    Attributes
    ----------
    name : str
        As it stands in ``Graph.profile``.
    rounding : Rounding
        Of int32 accumulators, where the next two do not say otherwise.
    float32_steps : bool
        True: the recipe of TFLite Micro up to 2026-10-08, in which some real multipliers are
        rounded to float32 after every step; False: its recipe since 2026-10-13, all in double.
    convolution, fully_connected : Rounding, optional
        Of the accumulators of these operators (depthwise included).
    add_once : bool
        True: ADD sums exact products and rounds once, `qembed.ops.add.SumScale`.
    in_float32 : bool
        True: whatever does not sum products is computed from real numbers in float32, as ONNX
        Runtime does.
    """

    name: str
    rounding: Rounding
    float32_steps: bool
    convolution: Rounding | None = None
    fully_connected: Rounding | None = None
    add_once: bool = False
    in_float32: bool = False


PROFILES: dict[str, Numerics] = {
    profile.name: profile
    for profile in (
        Numerics("tflm", "double", float32_steps=False),
        Numerics("tflm-2026-10-08", "double", float32_steps=True),
        Numerics("tflm-single", "single", float32_steps=False),
        Numerics("litert-ref", "double", float32_steps=False, fully_connected="float64"),
        Numerics(
            "litert-xnnpack",
            "double",
            float32_steps=False,
            convolution="float32",
            fully_connected="float32",
            add_once=True,
        ),
        Numerics(
            "onnxruntime",
            "float32",
            float32_steps=True,
            convolution="float32",
            fully_connected="float32",
            in_float32=True,
        ),
    )
}


Ends = tuple[float | None, float | None]
"""Real numbers between which an activation stays; None: as far as the type goes."""

ACTIVATION_LIMITS: dict[str, Ends] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
"""What a fused activation clamps to."""


def profile_named(name: str) -> Numerics:
    """Return the profile called `name`; UnsupportedError lists the known ones otherwise."""
    if name not in PROFILES:
        raise UnsupportedError(
            f"numerics profile '{name}' is unknown; choose one of {', '.join(PROFILES)}"
        )
    return PROFILES[name]


def convolution_multipliers(
    input_scale: float, weight_scales: NDArray[np.float32], output_scale: float
) -> NDArray[np.float64]:
    """Return input scale * weight scale / output scale of each channel, in double."""
    return np.float64(input_scale) * weight_scales.astype(np.float64) / np.float64(output_scale)


def float32_multipliers(
    input_scale: float, weight_scales: NDArray[np.float32], output_scale: float
) -> NDArray[np.float64]:
    """Return the same product with every step rounded to float32."""
    steps = np.float32(input_scale) * weight_scales / np.float32(output_scale)
    return steps.astype(np.float64)


def product_multiplier(
    numerics: Numerics, scale1: float, scale2: float, output_scale: float
) -> float:
    """Return scale1 * scale2 / output scale; the product in float32 in the older recipe.

    FULLY_CONNECTED with one weight scale, BATCH_MATMUL and the gates of an LSTM use it.
    """
    product = scale1 * scale2
    if numerics.float32_steps:
        product = float(np.float32(product))
    return product / output_scale


def sum_scale(scale1: float, scale2: float, output_scale: float) -> SumScale:
    """Return XNNPACK's multipliers of an addition: the larger one has 21 bits.

    Raises
    ------
    ModelError
        If the scales are too far apart for them.
    """
    ratios = [float(np.float32(s) / np.float32(output_scale)) for s in (scale1, scale2)]
    shift = 21 - math.frexp(max(ratios))[1]
    if not 1 <= shift <= 31:
        raise ModelError(f"the larger input scale is {max(ratios):g} times the output's")
    multiplier1, multiplier2 = (round(math.ldexp(ratio, shift)) for ratio in ratios)
    return SumScale(multiplier1, multiplier2, shift)


def requantization_of(
    real: NDArray[np.float64] | float, rounding: Rounding, largest: float = 2.0**30
) -> Requantization:
    """Quantize real multipliers, refusing any that the fixed-point form cannot hold.

    Parameters
    ----------
    real : float or float64 ndarray, shape (C,)
    rounding : Rounding
    largest : float
        Exclusive upper bound.

    Raises
    ------
    ModelError
        A multiplier is not finite, negative or too large.
    """
    values = np.atleast_1d(np.asarray(real, np.float64))
    bad = np.flatnonzero(~((values >= 0) & (values < largest)))
    if bad.size:
        raise ModelError(
            f"the scales give a multiplier of {values[bad[0]]:g} in channel {bad[0]}, which must "
            f"be in [0, {largest:g})"
        )
    return requantization(values, rounding)


def activation_range(
    activation: str | Ends, scale: float, zero_point: int, dtype: DType
) -> tuple[int, int]:
    """Clamp of a fused activation in output steps, equation (17).

    Parameters
    ----------
    activation : str, or pair of floats
        "NONE", "RELU", "RELU6", "RELU_N1_TO_1" or "RELU_0_TO_1", or the ends themselves.
    scale, zero_point
        Of the output.
    dtype : DType
        Of the output.
    """
    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    if isinstance(activation, str) and activation not in ACTIVATION_LIMITS:
        raise UnsupportedError(f"fused activation {activation} is not supported")

    def step(real: float) -> int:
        with np.errstate(over="ignore"):
            quotient = float(np.float32(real) / np.float32(scale))
        return zero_point + round_half_away(min(max(quotient, -(2.0**31)), 2.0**31))

    bottom, top = ACTIVATION_LIMITS[activation] if isinstance(activation, str) else activation
    if bottom is not None:
        low = min(max(low, step(bottom)), high)
    if top is not None:
        high = max(min(high, step(top)), low)
    return low, high


def window_padding(
    scheme: str, size: int, window: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Return the padding before and after one axis, in pixels, equation (18).

    Parameters
    ----------
    scheme : str
        "SAME" or "VALID".
    size : int
        Of the input along this axis.
    """
    if scheme == "VALID":
        return 0, 0
    extent = (window - 1) * dilation + 1
    total = max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2
