import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def concatenation(rng, dtype="int8"):
    rank = draw.integer(rng, 1, 4)
    shape = [draw.integer(rng, 1, 5) for _ in range(rank)]
    axis = draw.integer(rng, 0, rank - 1)
    sizes = [draw.integer(rng, 1, 5) for _ in range(draw.integer(rng, 2, 4))]
    shapes = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    quantization = draw.scale(rng), draw.zero_point(rng, dtype)
    writer = Writer()
    inputs = [writer.input(s, dtype, *quantization) for s in shapes]
    whole = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    y = writer.output(whole, dtype, *quantization)
    writer.operator("CONCATENATION", inputs, [y], axis=axis - draw.choice(rng, (0, rank)))
    return writer, [draw.activations(rng, s, dtype) for s in shapes]


def int16(rng):
    return concatenation(rng, "int16")


def pack(rng):
    shape = [draw.integer(rng, 1, 5) for _ in range(draw.integer(rng, 1, 3))]
    axis, count = draw.integer(rng, 0, len(shape)), draw.integer(rng, 2, 4)
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    inputs = [writer.input(shape, "int8", *quantization) for _ in range(count)]
    y = writer.output((*shape[:axis], count, *shape[axis:]), "int8", *quantization)
    writer.operator("PACK", inputs, [y], axis=axis, valuesCount=count)
    return writer, [draw.activations(rng, shape) for _ in range(count)]


@pytest.mark.parametrize("make", [concatenation, int16, pack])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
