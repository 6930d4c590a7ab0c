import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def reshape(rng):
    shape = tuple(draw.integer(rng, 1, 5) for _ in range(draw.integer(rng, 1, 4)))
    flat = int(np.prod(shape))
    target = draw.choice(rng, ((flat,), (1, flat), shape[::-1], (1, *shape)))
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    y = writer.output(target, "int8", *quantization)
    writer.operator("RESHAPE", [x, writer.constant(np.array(target, np.int32))], [y])
    return writer, [draw.activations(rng, shape)]


def squeeze(rng):
    inner = tuple(draw.integer(rng, 2, 5) for _ in range(draw.integer(rng, 1, 2)))
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input((1, *inner, 1), "int8", *quantization)
    axes = draw.choice(rng, ([0], [], [-1], [0, 3 if len(inner) == 2 else 2]))
    shape = {1: (*inner, 1) if axes == [0] else (1, *inner)}.get(len(axes), inner)
    y = writer.output(shape, "int8", *quantization)
    writer.operator("SQUEEZE", [x], [y], squeezeDims=axes)
    return writer, [draw.activations(rng, (1, *inner, 1))]


def expand_dims(rng):
    shape = tuple(draw.integer(rng, 1, 5) for _ in range(draw.integer(rng, 1, 3)))
    axis = draw.integer(rng, -len(shape) - 1, len(shape))
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    y = writer.output(np.expand_dims(np.zeros(shape), axis).shape, "int8", *quantization)
    writer.operator("EXPAND_DIMS", [x, writer.constant(np.array([axis], np.int32))], [y])
    return writer, [draw.activations(rng, shape)]


@pytest.mark.parametrize("make", [reshape, squeeze, expand_dims])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make, 50)
