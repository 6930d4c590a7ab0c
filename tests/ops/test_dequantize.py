import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def dequantize(rng):
    dtype = draw.choice(rng, ("int8", "int8", "uint8", "int16"))
    limits = np.iinfo(dtype)
    inputs = rng.integers(limits.min, limits.max + 1, (1, 1, 300)).astype(dtype)
    if dtype != "int16":
        inputs[0, 0, :256] = np.arange(limits.min, limits.max + 1)
    point = int(rng.integers(limits.min, limits.max + 1)) if dtype != "int16" else 0
    writer = Writer()
    x = writer.input((1, 300), dtype, draw.scale(rng, -20, 10), point)
    y = writer.output((1, 300), "float32")
    writer.operator("DEQUANTIZE", [x], [y])
    return writer, [inputs]


@pytest.mark.parametrize("make", [dequantize])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
