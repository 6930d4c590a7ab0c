import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def fully_connected(rng, dtype="int8", bits=8, bias_dtype="int32"):
    row, out_c = draw.integer(rng, 1, 40), draw.integer(rng, 1, 20)
    leading = draw.choice(rng, ((1,), (1,), (3,), (2, 2), (1, 3, 1)))
    x_scale = draw.scale(rng)
    w_scale = [draw.scale(rng, -10, -4)] if bits == 4 else draw.channel_scales(rng, out_c)
    y_scale = draw.sum_scale(rng, x_scale, w_scale, row, dtype, bits)
    keep_dims = rng.random() < 0.5

    writer = Writer()
    x = writer.input((*leading, row), dtype, x_scale, draw.zero_point(rng, dtype))
    weights = draw.weights(rng, (out_c, row), bits)
    w = writer.constant(weights, "int4" if bits == 4 else None, scale=w_scale)
    operands = [x, w]
    if rng.random() < 0.8:
        bias = draw.bias(rng, out_c, row, bias_dtype)
        operands.append(writer.constant(bias, scale=np.multiply(x_scale, w_scale)))
    else:
        operands.append(-1)
    shape = (*leading, out_c) if keep_dims else (int(np.prod(leading)), out_c)
    y = writer.output(shape, dtype, y_scale, draw.zero_point(rng, dtype))
    writer.operator(
        "FULLY_CONNECTED",
        operands,
        [y],
        keepNumDims=keep_dims,
        quantizedBiasType=2 if bias_dtype == "int32" else 4,
        fusedActivationFunction=draw.choice(rng, draw.ACTIVATIONS),
    )
    return writer, [draw.activations(rng, (*leading, row), dtype)]


def int4(rng):
    return fully_connected(rng, bits=4)


def int16_bias64(rng):
    return fully_connected(rng, "int16", bias_dtype="int64")


def int16_bias32(rng):
    return fully_connected(rng, "int16", bias_dtype="int32")


@pytest.mark.parametrize("make", [fully_connected, int4, int16_bias64, int16_bias32])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
