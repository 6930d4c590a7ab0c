import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def l2_normalization(rng):
    channels = draw.choice(rng, (1, 2, 3, draw.integer(rng, 1, 40), 500))
    shape = (1, draw.integer(rng, 1, 3), draw.integer(rng, 1, 3), channels)
    writer = Writer()
    point = draw.zero_point(rng)
    x = writer.input(shape, "int8", draw.scale(rng), point)
    writer.operator("L2_NORMALIZATION", [x], [writer.output(shape, "int8", 2.0**-7, 0)])
    inputs = draw.activations(rng, shape)
    inputs[2, 0, 0, 0] = point  # a row of zeros, or nearly
    inputs[2, 0, 0, 0, :1] = min(point + draw.integer(rng, 0, 1), 127)
    return writer, [inputs]


@pytest.mark.parametrize("make", [l2_normalization])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
