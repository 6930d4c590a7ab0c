import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def reduce_extremum(rng, code="REDUCE_MAX"):
    rank = draw.integer(rng, 2, 4)
    shape = tuple(draw.integer(rng, 1, 7) for _ in range(rank))
    axes = rng.permutation(rank)[: draw.integer(rng, 1, rank)]
    keep_dims = bool(rng.random() < 0.5)
    kept = np.zeros(shape, np.int8).sum(axis=tuple(map(int, axes)), keepdims=keep_dims).shape
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    y = writer.output(kept, "int8", *quantization)
    writer.operator(code, [x, writer.constant(axes.astype(np.int32))], [y], keepDims=keep_dims)
    return writer, [draw.activations(rng, shape)]


def minimum(rng):
    return reduce_extremum(rng, "REDUCE_MIN")


@pytest.mark.parametrize("make", [reduce_extremum, minimum])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
