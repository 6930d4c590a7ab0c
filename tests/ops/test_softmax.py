import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def softmax(rng, output_dtype="int8"):
    classes = draw.choice(rng, (1, 2, 10, 12, draw.integer(rng, 1, 300)))
    shape = (*draw.choice(rng, ((1,), (3,), (2, 2))), classes)
    writer = Writer()
    x = writer.input(shape, "int8", draw.scale(rng, -12, 3), draw.zero_point(rng))
    quantization = (2.0**-8, -128) if output_dtype == "int8" else (2.0**-16, -32768)
    y = writer.output(shape, output_dtype, *quantization)
    beta = draw.choice(rng, (1.0, 1.0, float(np.float32(rng.uniform(0.1, 3)))))
    writer.operator("SOFTMAX", [x], [y], beta=beta)
    return writer, [draw.activations(rng, shape)]


def to_int16(rng):
    return softmax(rng, "int16")


@pytest.mark.parametrize("make", [softmax, to_int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
