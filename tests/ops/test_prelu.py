import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def prelu(rng, dtype="int8"):
    shape = (1, draw.integer(rng, 1, 5), draw.integer(rng, 1, 5), draw.integer(rng, 1, 5))
    alpha_shape = draw.choice(rng, (shape[1:], (1, 1, shape[3]), (shape[3],), (1, 1, 1)))
    scale = draw.scale(rng)
    writer = Writer()
    x = writer.input(shape, dtype, scale, draw.zero_point(rng, dtype))
    alpha = writer.constant(
        rng.integers(-128, 128, alpha_shape).astype(np.int8),
        scale=draw.scale(rng, -9, -5),
        zero_point=draw.zero_point(rng),
    )
    y_scale = float(np.float32(scale * 2 ** rng.uniform(-2, 2)))
    y = writer.output(shape, dtype, y_scale, draw.zero_point(rng, dtype))
    writer.operator("PRELU", [x, alpha], [y])
    return writer, [draw.activations(rng, shape, dtype)]


def every_value(rng, code, **options):
    """int16, all 65536 inputs."""
    inputs = np.arange(-32768, 32768).astype(np.int16).reshape(1, 1, -1)
    scale = draw.scale(rng, -15, -5)
    writer = Writer()
    x = writer.input(inputs.shape[1:], "int16", scale)
    y_scale = float(np.float32(scale * 2 ** rng.uniform(-2, 2)))
    writer.operator(code, [x], [writer.output(inputs.shape[1:], "int16", y_scale)], **options)
    return writer, [inputs]


def int16(rng):
    return prelu(rng, "int16")


def int16_leaky_relu(rng):
    return every_value(rng, "LEAKY_RELU", alpha=float(np.float32(rng.uniform(0, 1.5))))


def int16_abs(rng):
    return every_value(rng, "ABS")


@pytest.mark.parametrize(
    ("make", "count"), [(prelu, 200), (int16, 200), (int16_leaky_relu, 20), (int16_abs, 20)]
)
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make, count):
    compare(form, make, count)
