import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer

CODES = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


def int8(rng):
    """Half of the pairs share a scale; small ones, so that values meet after rounding."""
    tied = bool(rng.random() < 0.5)
    return draw.binary(rng, draw.choice(rng, CODES), "int8", tied, "bool", (-14, -0.1))


def int32(rng):
    writer = Writer()
    x1, x2 = writer.input((1, 40), "int32"), writer.input((1, 40), "int32")
    writer.operator(draw.choice(rng, CODES), [x1, x2], [writer.output((1, 40), "bool")])
    inputs = rng.integers(-(1 << 31), 1 << 31, (2, 3, 1, 40)).astype(np.int32)
    inputs[1] = np.where(rng.random(inputs[1].shape) < 0.3, inputs[0], inputs[1])
    return writer, list(inputs)


@pytest.mark.parametrize("make", [int8, int32])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
