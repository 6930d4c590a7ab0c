import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def gather_at(rng):
    """Positions that are an input, or differ between the places of leading axes."""
    shape = tuple(draw.integer(rng, 1, 6) for _ in range(draw.integer(rng, 1, 4)))
    axis = draw.integer(rng, 0, len(shape) - 1)
    batch = draw.integer(rng, 0, axis)
    at_shape = (*shape[:batch], *draw.choice(rng, ((1,), (4,), (2, 3))))
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    is_constant = batch and rng.random() < 0.3
    given = rng.integers(0, shape[axis], (draw.SAMPLES, *at_shape)).astype(np.int32)
    at = writer.constant(given[0]) if is_constant else writer.input(at_shape, "int32")
    whole = shape[:axis] + at_shape[batch:] + shape[axis + 1 :]
    y = writer.output(whole, "int8", *quantization)
    writer.operator("GATHER", [x, at], [y], axis=axis, batchDims=batch)
    inputs = [draw.activations(rng, shape)]
    return writer, inputs if is_constant else [*inputs, given]


@pytest.mark.parametrize("make", [gather_at])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
