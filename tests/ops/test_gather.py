import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def gather(rng):
    shape = tuple(draw.integer(rng, 1, 6) for _ in range(draw.integer(rng, 1, 4)))
    axis = draw.integer(rng, 0, len(shape) - 1)
    indices = rng.integers(0, shape[axis], draw.choice(rng, ((1,), (4,), (2, 3))))
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    whole = shape[:axis] + indices.shape + shape[axis + 1 :]
    y = writer.output(whole, "int8", *quantization)
    writer.operator("GATHER", [x, writer.constant(indices.astype(np.int32))], [y], axis=axis)
    return writer, [draw.activations(rng, shape)]


@pytest.mark.parametrize("make", [gather])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
