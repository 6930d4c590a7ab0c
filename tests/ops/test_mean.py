import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def mean(rng, dtype="int8", code="MEAN"):
    rank = draw.integer(rng, 2, 4)
    shape = tuple(draw.integer(rng, 1, 7) for _ in range(rank))
    axes = rng.permutation(rank)[: draw.integer(rng, 1, rank)]
    keep_dims = bool(rng.random() < 0.5)
    if rank == 4 and rng.random() < 0.5:
        axes = np.array([1, 2])
    listed = np.where(rng.random(axes.size) < 0.3, axes - rank, axes).astype(np.int32)
    kept = np.zeros(shape, np.int8).sum(axis=tuple(map(int, axes)), keepdims=keep_dims).shape
    x_scale = draw.scale(rng)
    # Up to 8: means of many values are small and shall still fill the output.
    y_scale = float(np.float32(x_scale / 2 ** rng.uniform(-1, 3)))
    if code == "SUM":
        y_scale *= float(np.prod([shape[axis] for axis in axes]))
    writer = Writer()
    x = writer.input(shape, dtype, x_scale, draw.zero_point(rng, dtype))
    axis = writer.constant(listed)
    y = writer.output(kept, dtype, y_scale, draw.zero_point(rng, dtype))
    writer.operator(code, [x, axis], [y], keepDims=keep_dims)
    return writer, [draw.activations(rng, shape, dtype)]


def int16(rng):
    return mean(rng, "int16")


def total(rng):
    return mean(rng, code="SUM")


def int16_total(rng):
    return mean(rng, "int16", "SUM")


@pytest.mark.parametrize("make", [mean, int16, total, int16_total])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
