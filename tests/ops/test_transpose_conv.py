import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def transpose_conv(rng, dtype="int8"):
    bias_dtype = "int32" if dtype == "int8" else "int64"
    height, width = draw.integer(rng, 1, 5), draw.integer(rng, 1, 5)
    kernel = draw.integer(rng, 1, 4), draw.integer(rng, 1, 4)
    stride = draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)
    in_c, out_c = draw.integer(rng, 1, 5), draw.integer(rng, 1, 5)
    padding, batch = draw.choice(rng, ("SAME", "VALID")), draw.choice(rng, (1, 1, 2))
    if padding == "SAME":
        size = [n * s for n, s in zip((height, width), stride, strict=True)]
    else:
        size = [(n - 1) * s + k for n, s, k in zip((height, width), stride, kernel, strict=True)]
    taps = max(1, kernel[0] * kernel[1] * in_c // (stride[0] * stride[1]))
    x_scale, w_scale = draw.scale(rng), draw.channel_scales(rng, out_c)
    y_scale = draw.sum_scale(rng, x_scale, w_scale, taps, dtype)
    writer = Writer()
    shape = writer.constant(np.array([batch, *size, out_c], np.int32))
    weights = draw.weights(rng, (out_c, *kernel, in_c))
    w = writer.constant(weights, scale=w_scale)
    x = writer.input((batch, height, width, in_c), dtype, x_scale, draw.zero_point(rng, dtype))
    operands = [shape, w, x]
    if rng.random() < 0.8:
        bias = draw.bias(rng, out_c, taps, bias_dtype)
        operands.append(writer.constant(bias, scale=np.multiply(x_scale, w_scale)))
    y = writer.output((batch, *size, out_c), dtype, y_scale, draw.zero_point(rng, dtype))
    activation = draw.choice(rng, draw.ACTIVATIONS)
    writer.operator(
        "TRANSPOSE_CONV",
        operands,
        [y],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=activation,
    )
    return writer, [draw.activations(rng, (batch, height, width, in_c), dtype)]


def int16(rng):
    return transpose_conv(rng, "int16")


@pytest.mark.parametrize("make", [transpose_conv, int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
