import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def mirror_pad(rng):
    shape = [draw.integer(rng, 1, 6) for _ in range(draw.integer(rng, 1, 4))]
    symmetric = int(rng.random() < 0.5)
    padding = np.array([rng.integers(0, n + symmetric, 2) for n in shape], np.int32)
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    y = writer.output(np.array(shape) + padding.sum(axis=1), "int8", *quantization)
    writer.operator("MIRROR_PAD", [x, writer.constant(padding)], [y], mode=symmetric)
    return writer, [draw.activations(rng, shape)]


@pytest.mark.parametrize("make", [mirror_pad])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
