import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def depthwise(rng, dtype="int8", bits=8):
    bias_dtype = "int32" if dtype == "int8" else "int64"
    kernel = draw.integer(rng, 1, 4), draw.integer(rng, 1, 4)
    stride = draw.choice(rng, ((1, 1), (1, 1), (2, 2), (3, 3), (1, 2), (2, 1)))
    dilation = (1, 1) if rng.random() < 0.6 else (draw.integer(rng, 1, 3), draw.integer(rng, 1, 3))
    padding, (height, width), size = draw.sliding(rng, kernel, stride, dilation)
    in_c, multiplier = draw.integer(rng, 1, 9), draw.choice(rng, (1, 1, 2, 3, 8))
    out_c, batch = in_c * multiplier, draw.choice(rng, (1, 1, 2))
    taps = kernel[0] * kernel[1]
    x_scale, w_scale = draw.scale(rng), draw.channel_scales(rng, out_c)
    y_scale = draw.sum_scale(rng, x_scale, w_scale, taps, dtype, bits)

    writer = Writer()
    x = writer.input((batch, height, width, in_c), dtype, x_scale, draw.zero_point(rng, dtype))
    weights = draw.weights(rng, (1, *kernel, out_c), bits)
    w = writer.constant(weights, "int4" if bits == 4 else None, scale=w_scale, axis=3)
    operands = [x, w]
    if rng.random() < 0.8:
        bias = draw.bias(rng, out_c, taps, bias_dtype)
        operands.append(writer.constant(bias, scale=np.multiply(x_scale, w_scale)))
    y = writer.output((batch, *size, out_c), dtype, y_scale, draw.zero_point(rng, dtype))
    writer.operator(
        "DEPTHWISE_CONV_2D",
        operands,
        [y],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        depthMultiplier=multiplier,
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=draw.choice(rng, draw.ACTIVATIONS),
    )
    return writer, [draw.activations(rng, (batch, height, width, in_c), dtype)]


def int4(rng):
    return depthwise(rng, bits=4)


def int16(rng):
    return depthwise(rng, "int16")


@pytest.mark.parametrize("make", [depthwise, int4, int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
