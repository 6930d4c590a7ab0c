"""Functions of one int8 value: all 256 inputs for every set of parameters."""

import numpy as np
import pytest

from qembed.backends import reference
from qembed.backends.runtimes import run_litert_ref
from qembed.importers import import_model
from support import draw
from support.forms import FORMS, assert_equal, compare
from support.tflite_writer import Writer

EVERY_INPUT = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)


def function(rng, code, output=None, scales=(-8, 0), **options):
    writer = Writer()
    x = writer.input((1, 256), "int8", draw.scale(rng, *scales), draw.zero_point(rng))
    quantization = output or (draw.scale(rng, *scales), draw.zero_point(rng))
    y = writer.output((1, 256), "int8", *quantization)
    writer.operator(code, [x], [y], **options)
    return writer, [EVERY_INPUT]


def logistic(rng):
    return function(rng, "LOGISTIC", (2.0**-8, -128), (-12, 2))


def tanh(rng):
    return function(rng, "TANH", (2.0**-7, 0), (-12, 2))


def relu(rng):
    return function(rng, "RELU")


def relu6(rng):
    """TFLM clamps raw values here, so that the scales have to be the same."""
    quantization = draw.scale(rng, -6, -2), draw.integer(rng, -128, -100)
    writer = Writer()
    x = writer.input((1, 256), "int8", *quantization)
    y = writer.output((1, 256), "int8", *quantization)
    writer.operator("RELU6", [x], [y])
    return writer, [EVERY_INPUT]


def leaky_relu(rng):
    return function(rng, "LEAKY_RELU", alpha=float(np.float32(rng.uniform(-0.5, 1.5))))


def hard_swish(rng):
    """TFLM needs an output scale that is not much finer than the input's."""
    scale = draw.scale(rng, -8, 0)
    output = float(np.float32(scale * 2 ** rng.uniform(-6, 2))), draw.zero_point(rng)
    writer = Writer()
    x = writer.input((1, 256), "int8", scale, draw.zero_point(rng))
    y = writer.output((1, 256), "int8", *output)
    writer.operator("HARD_SWISH", [x], [y])
    return writer, [EVERY_INPUT]


def elu(rng):
    return function(rng, "ELU")


def absolute(rng):
    if rng.random() < 0.3:
        scale = draw.scale(rng)
        return function(rng, "ABS", (scale, draw.zero_point(rng)), (np.log2(scale),) * 2)
    return function(rng, "ABS")


def rsqrt(rng):
    """Undefined below zero, where TFLM refuses to run."""
    point = draw.integer(rng, -128, 100)
    inputs = np.arange(point, 128, dtype=np.int8).reshape(1, 1, -1)
    scale = draw.scale(rng, -8, 0)
    largest = 1 / np.sqrt(scale)
    writer = Writer()
    x = writer.input(inputs.shape[1:], "int8", scale, point)
    y_scale = float(np.float32(largest / rng.uniform(50, 400)))
    y = writer.output(inputs.shape[1:], "int8", y_scale, draw.zero_point(rng))
    writer.operator("RSQRT", [x], [y])
    return writer, [inputs]


MAKES = [logistic, tanh, relu, relu6, leaky_relu, hard_swish, elu, absolute, rsqrt]


def exp(rng):
    return function(rng, "EXP", scales=(-8, -2))


def gelu(rng):
    return function(rng, "GELU", scales=(-8, -2), approximate=bool(rng.integers(2)))


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)


@pytest.mark.parametrize("make", [exp, gelu])
def test_equals_litert(make, tmp_path):
    """TFLite Micro has no integer form of these."""
    path = tmp_path / "function.tflite"
    for seed in range(200):
        writer, inputs = make(np.random.default_rng(seed))
        path.write_bytes(writer.bytes())
        ((theirs,),) = run_litert_ref(path, [(inputs[0][0],)])
        (ours,) = reference.run(import_model(path), inputs)
        assert_equal(ours[0], theirs, f"seed {seed}")
