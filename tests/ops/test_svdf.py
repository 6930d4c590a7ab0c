import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer

STEPS = 12


def svdf(rng, state_dtype="int16"):
    batch, features = draw.integer(rng, 1, 2), draw.integer(rng, 1, 12)
    rank, units, memory = draw.integer(rng, 1, 3), draw.integer(rng, 1, 5), draw.integer(rng, 1, 8)
    filters = units * rank
    x_scale, f_scale, t_scale = draw.scale(rng), draw.scale(rng, -9, -5), draw.scale(rng, -15, -8)
    wide = state_dtype == "int16"
    typical = x_scale * f_scale * np.sqrt(features) * 5500
    state_scale = float(np.float32(typical / (8000 if wide else 40)))
    time = rng.integers(-3000, 3001, (filters, memory)) // (1 if wide else 24)
    y_scale = float(np.float32(typical * t_scale * (1700 if wide else 70) * np.sqrt(memory) / 60))
    writer = Writer()
    x = writer.input((batch, features), "int8", x_scale, draw.zero_point(rng))
    operands = [
        x,
        writer.constant(draw.weights(rng, (filters, features)), scale=f_scale),
        writer.constant(time.astype(state_dtype), scale=t_scale),
        writer.constant(
            rng.integers(-9000, 9000, units).astype(np.int32), scale=state_scale * t_scale
        ),
        writer.tensor(
            (batch, filters * memory),
            state_dtype,
            state_scale,
            0 if wide else draw.zero_point(rng),
            is_variable=True,
        ),
    ]
    y = writer.output((batch, units), "int8", y_scale, draw.zero_point(rng))
    writer.operator("SVDF", operands, [y], rank=rank, fusedActivationFunction="RELU")
    return writer, [rng.integers(-128, 128, (STEPS, batch, features)).astype(np.int8)]


def int8_state(rng):
    return svdf(rng, "int8")


@pytest.mark.parametrize("make", [svdf, int8_state])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
