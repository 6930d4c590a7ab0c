import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer

SHAPES = (
    ((1, 5, 4), (1, 5, 4), (1, 5, 4)),
    ((1, 5, 1), (1, 5, 4), (4,)),
    ((1, 1, 4), (3, 5, 1), (1, 5, 4)),
)


def select(rng):
    dtype = draw.choice(rng, ("int8", "int16"))
    shapes = draw.choice(rng, SHAPES)
    quantization = draw.scale(rng), draw.zero_point(rng, dtype)
    writer = Writer()
    inputs = [
        writer.input(shapes[0], "bool"),
        writer.input(shapes[1], dtype, *quantization),
        writer.input(shapes[2], dtype, *quantization),
    ]
    whole = draw.broadcast(shapes[0], draw.broadcast(shapes[1], shapes[2]))
    writer.operator("SELECT_V2", inputs, [writer.output(whole, dtype, *quantization)])
    condition = rng.random((draw.SAMPLES, *shapes[0])) < 0.5
    return writer, [condition, *(draw.activations(rng, s, dtype) for s in shapes[1:])]


@pytest.mark.parametrize("make", [select])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
