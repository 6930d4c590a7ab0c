import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def conv(rng, dtype="int8", bias_dtype="int32", bits=8, groups=1):
    kernel = draw.integer(rng, 1, 4), draw.integer(rng, 1, 4)
    in_c, out_c = draw.integer(rng, 1, 6), groups * draw.integer(rng, 1, 5)
    stride = draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)
    dilation = (1, 1) if rng.random() < 0.6 else (draw.integer(rng, 1, 3), draw.integer(rng, 1, 3))
    padding, (height, width), size = draw.sliding(rng, kernel, stride, dilation)
    batch = draw.choice(rng, (1, 1, 2))
    taps = kernel[0] * kernel[1] * in_c
    x_scale, w_scale = draw.scale(rng), draw.channel_scales(rng, out_c)
    y_scale = draw.sum_scale(rng, x_scale, w_scale, taps, dtype, bits)

    writer = Writer()
    x = writer.input(
        (batch, height, width, in_c * groups), dtype, x_scale, draw.zero_point(rng, dtype)
    )
    w = writer.constant(
        draw.weights(rng, (out_c, *kernel, in_c), bits),
        "int4" if bits == 4 else None,
        scale=w_scale,
    )
    operands = [x, w]
    if rng.random() < 0.8:
        operands.append(
            writer.constant(
                draw.bias(rng, out_c, taps, bias_dtype), scale=np.multiply(x_scale, w_scale)
            )
        )
    elif dtype == "int16":
        operands.append(-1)
    y = writer.output((batch, *size, out_c), dtype, y_scale, draw.zero_point(rng, dtype))
    writer.operator(
        "CONV_2D",
        operands,
        [y],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=draw.choice(rng, draw.ACTIVATIONS),
        **({"quantizedBiasType": 2} if dtype == "int16" and bias_dtype == "int32" else {}),
    )
    shape = (batch, height, width, in_c * groups)
    return writer, [draw.activations(rng, shape, dtype)]


def grouped(rng):
    return conv(rng, groups=draw.integer(rng, 2, 4))


def int4(rng):
    return conv(rng, bits=4)


def int16_bias64(rng):
    return conv(rng, "int16", "int64")


def int16_bias32(rng):
    return conv(rng, "int16", "int32")


@pytest.mark.parametrize("make", [conv, grouped, int4, int16_bias64, int16_bias32])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
