import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def add(rng, dtype="int8", code="ADD"):
    shape1, shape2 = draw.choice(rng, draw.PAIRS_OF_SHAPES)
    scale1, scale2 = draw.scale(rng, -6, 0), draw.scale(rng, -6, 0)
    y_scale = draw.scale(rng, -6, 2)
    writer = Writer()
    x1 = writer.input(shape1, dtype, scale1, draw.zero_point(rng, dtype))
    array2 = draw.activations(rng, shape2, dtype)
    point2 = draw.zero_point(rng, dtype)
    constant = rng.random() < 0.3
    if constant:
        x2 = writer.constant(array2[0], scale=scale2, zero_point=point2)
    else:
        x2 = writer.input(shape2, dtype, scale2, point2)
    shape = draw.broadcast(shape1, shape2)
    y = writer.output(shape, dtype, y_scale, draw.zero_point(rng, dtype))
    activation = draw.choice(rng, draw.ACTIVATIONS)
    writer.operator(code, [x1, x2], [y], fusedActivationFunction=activation)
    array1 = draw.activations(rng, shape1, dtype)
    return writer, [array1] if constant else [array1, array2]


def int16(rng):
    return add(rng, "int16")


def sub(rng):
    return add(rng, code="SUB")


def int16_sub(rng):
    return add(rng, "int16", "SUB")


@pytest.mark.parametrize("make", [add, int16, sub, int16_sub])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
