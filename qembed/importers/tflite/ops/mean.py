"""MEAN and SUM to `qembed.ops.mean`."""

from __future__ import annotations

import math

import numpy as np

from qembed.arithmetic import Requantization
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import Shape
from qembed.numerics import Numerics, requantization_of
from qembed.ops.mean import Mean
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one mean, with 1 / count folded into its multiplier; SUM is one without that."""
    x, y = values.operand(op, 0), values.result(op)
    axes = axes_of(values.operand(op, 1, ("int32",)), x.shape)
    scale, output = values.quantization(x), values.quantization(y)
    by = requantization_of(scale.scale / output.scale, numerics.rounding)
    if op.code == "MEAN":
        by = divided(by, math.prod(x.shape[axis] for axis in axes))
    params = Mean(
        axes=axes,
        keep_dims=bool(op.options["keep_dims"]),
        requantization=by,
        input_zero_point=scale.zero_point,
        output_zero_point=output.zero_point,
    )
    return [Step("mean", params, (x,), (y,))]


def axes_of(value: Value, shape: Shape) -> tuple[int, ...]:
    """Axes that a constant lists, ascending, without repeats, none negative."""
    rank = len(shape)
    axes = values.integers(value)
    if not axes or any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"axes {axes} are not among the {rank} dimensions of the input")
    return tuple(sorted({axis % rank for axis in axes}))


def divided(by: Requantization, count: int) -> Requantization:
    """Fold a division by `count` into a multiplier, which is then not normalized: equation (13)."""
    multiplier, shift = int(by.multiplier[0]), int(by.shift[0])
    raised = min(count.bit_length() - 1, 32, 31 + shift)
    return Requantization(
        multiplier=np.array([(multiplier << raised) // count], np.int32),
        shift=np.array([shift - raised], np.int32),
        rounding=by.rounding,
    )
