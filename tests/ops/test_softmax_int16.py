import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def softmax(rng):
    classes = draw.choice(rng, (1, 2, 10, draw.integer(rng, 1, 300)))
    shape = (draw.integer(rng, 1, 4), classes)
    writer = Writer()
    x = writer.input(shape, "int16", draw.scale(rng, -20, -5))
    y = writer.output(shape, "int16", 2.0**-15)
    beta = draw.choice(rng, (1.0, 1.0, float(np.float32(rng.uniform(0.1, 3)))))
    writer.operator("SOFTMAX", [x], [y], beta=beta)
    return writer, [draw.activations(rng, shape, "int16")]


@pytest.mark.parametrize("make", [softmax])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
