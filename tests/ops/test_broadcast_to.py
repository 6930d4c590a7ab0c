import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def broadcast_to(rng):
    dtype = draw.choice(rng, ("int8", "int16"))
    shape = [draw.integer(rng, 1, 5) for _ in range(draw.integer(rng, 1, 4))]
    source = [1 if rng.random() < 0.5 else n for n in shape][draw.integer(rng, 0, 1) :] or [1]
    quantization = draw.scale(rng), draw.zero_point(rng, dtype)
    writer = Writer()
    x = writer.input(source, dtype, *quantization)
    y = writer.output(shape, dtype, *quantization)
    writer.operator("BROADCAST_TO", [x, writer.constant(np.array(shape, np.int32))], [y])
    return writer, [draw.activations(rng, source, dtype)]


@pytest.mark.parametrize("make", [broadcast_to])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
