import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def arg_max(rng, code="ARG_MAX"):
    rank = draw.integer(rng, 1, 4)
    shape = tuple(draw.integer(rng, 1, 7) for _ in range(rank))
    axis = draw.integer(rng, 0, rank - 1)
    writer = Writer()
    x = writer.input(shape, "int8", draw.scale(rng), draw.zero_point(rng))
    given = writer.constant(np.array([axis - draw.choice(rng, (0, rank))], np.int32))
    y = writer.output(shape[:axis] + shape[axis + 1 :], "int32")
    writer.operator(code, [x, given], [y], outputType=2)
    inputs = draw.activations(rng, shape)
    inputs[2] //= 4  # more ties
    return writer, [inputs]


def arg_min(rng):
    return arg_max(rng, "ARG_MIN")


@pytest.mark.parametrize("make", [arg_max, arg_min])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
