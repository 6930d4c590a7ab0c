import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def log_softmax(rng):
    classes = draw.choice(rng, (1, 2, 10, draw.integer(rng, 1, 300)))
    shape = (draw.integer(rng, 1, 4), classes)
    writer = Writer()
    x = writer.input(shape, "int8", draw.scale(rng, -12, 3), draw.zero_point(rng))
    writer.operator("LOG_SOFTMAX", [x], [writer.output(shape, "int8", 2.0**-4, 127)])
    return writer, [draw.activations(rng, shape)]


@pytest.mark.parametrize("make", [log_softmax])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
