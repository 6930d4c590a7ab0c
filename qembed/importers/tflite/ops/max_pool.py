"""MAX_POOL_2D to `qembed.ops.max_pool`."""

from __future__ import annotations

from qembed.importers.tflite.ops.average_pool import pool
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.max_pool import MaxPool
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one max_pool."""
    return [pool(op, "max_pool", MaxPool)]
