import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def maximum(rng):
    return draw.binary(rng, "MAXIMUM", draw.choice(rng, ("int8", "int16")), tied=True)


def minimum(rng):
    return draw.binary(rng, "MINIMUM", draw.choice(rng, ("int8", "int16")), tied=True)


def int16_relu(rng, code="RELU"):
    """A conversion and the larger of that and zero; all 65536 inputs."""
    inputs = np.arange(-32768, 32768).astype(np.int16).reshape(1, 1, -1)
    scale = draw.scale(rng, -15, -3)
    writer = Writer()
    x = writer.input(inputs.shape[1:], "int16", scale)
    if code == "RELU":
        scale = float(np.float32(scale * 2 ** rng.uniform(-2, 2)))
    writer.operator(code, [x], [writer.output(inputs.shape[1:], "int16", scale)])
    return writer, [inputs]


def int16_relu6(rng):
    return int16_relu(rng, "RELU6")


@pytest.mark.parametrize(
    ("make", "count"), [(maximum, 200), (minimum, 200), (int16_relu, 20), (int16_relu6, 20)]
)
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make, count):
    compare(form, make, count)
