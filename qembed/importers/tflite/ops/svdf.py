"""SVDF to `qembed.ops.svdf`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.svdf import Svdf
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Read activations, feature weights, time weights, bias, state, in this order."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int8",))
    features = values.operand(op, 1, ("int8",))
    memory = state_of(op, 4, ("int8", "int16"))
    times = values.operand(op, 2, (memory.dtype,))
    if op.options["activation"] not in ("NONE", "RELU"):
        raise UnsupportedError(f"fused activation {op.options['activation']} is not supported")
    rank = int(op.options["rank"])
    values.require_no_zero_point(features)
    values.require_no_zero_point(times)
    scales = [values.quantization(v).scale for v in (x, features, memory, times, y)]
    if rank < 1 or len(features.shape) != 2 or features.shape[0] % rank:
        raise ModelError(f"weights {values.describe(features)} do not divide into rank {rank}")
    to_state = _product(numerics, scales[0], scales[1], scales[2])
    to_output = _product(numerics, scales[2], scales[3], scales[4])
    units = features.shape[0] // rank
    params = Svdf(
        feature_weights=values.contents(features),
        time_weights=values.contents(times).astype(memory.dtype),
        bias=values.bias_of(op, units, ("int32",), np.array([to_output]), 3),
        rank=rank,
        state_requantization=requantization_of(to_state, numerics.rounding),
        output_requantization=requantization_of(to_output, numerics.rounding),
        input_zero_point=values.quantization(x).zero_point,
        state_zero_point=values.quantization(memory).zero_point,
        output_zero_point=values.quantization(y).zero_point,
    )
    return [Step("svdf", params, (x, memory), (y, memory))]


def state_of(op: Operator, index: int, dtypes: tuple[str, ...]) -> Value:
    """Input number `index`, which the operator keeps from call to call; it starts as zero."""
    value = values.operand(op, index, dtypes)
    if not value.is_variable or value.data is not None:
        raise ModelError(f"tensor {values.describe(value)} must be a variable")
    zero = values.quantization(value).zero_point
    return replace(value, reset_value=zero, is_variable=False)


def _product(numerics: Numerics, scale1: float, scale2: float, output_scale: float) -> float:
    """scale1 * scale2 / output scale; every step in float32 in the older recipe."""
    if not numerics.float32_steps:
        return scale1 * scale2 / output_scale
    return float(np.float32(np.float32(scale1 * scale2) / np.float32(output_scale)))
