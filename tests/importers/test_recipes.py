"""Both parameter recipes of TFLite Micro, on numbers that tell them apart.

The older outputs were read from `tflite-micro` 0.dev20261008201341, the last version with that
recipe; the newer ones are asked of the installed interpreter here. Scales are exact.
"""

import numpy as np
import pytest

from qembed.backends import reference
from qembed.errors import UnsupportedError
from qembed.importers import import_bytes
from support.tflite_writer import Writer
from support.tflm import Interpreter

NEW, OLD = "tflm", "tflm-2026-10-08"


def product(code, x_scale, w_scale, y_scale):
    writer = Writer()
    x = writer.input((1, 1), "int8", x_scale)
    w = writer.constant(np.array([[127]], np.int8), scale=w_scale)
    writer.operator(code, [x, w], [writer.output((1, 1), "int8", y_scale)])
    return writer


def difference(code, scale1, scale2, y_scale):
    writer = Writer()
    inputs = [writer.input((1, 1), "int16", scale) for scale in (scale1, scale2)]
    writer.operator(code, inputs, [writer.output((1, 1), "int16", y_scale)])
    return writer


def function(code, x_scale, y_scale, **options):
    writer = Writer()
    x = writer.input((1, 1), "int8", x_scale)
    writer.operator(code, [x], [writer.output((1, 1), "int8", y_scale)], **options)
    return writer


def exact(*numbers):
    return [float.fromhex(number) for number in numbers]


PRODUCT = exact("0x1.795dd2p-4", "0x1.c2f7d2p-6", "0x1.5c0324p-2")
SUB = exact("0x1.5de8e8p-6", "0x1.350a50p-8", "0x1.e29d5cp-6")
LEAKY = exact("0x1.436e9ep-6", "0x1.9cd2a8p-6")
SWISH = exact("0x1.ad0e74p-5", "0x1.39bbaep-5")

# File, inputs, output of the newer recipe, output of the older one.
CASES = {
    "FULLY_CONNECTED": (product("FULLY_CONNECTED", *PRODUCT), [-86], -81, -82),
    "BATCH_MATMUL": (product("BATCH_MATMUL", *PRODUCT), [-86], -81, -82),
    "SUB": (difference("SUB", *SUB), [652, 31222], -4526, -4525),
    "LEAKY_RELU": (
        function("LEAKY_RELU", *LEAKY, alpha=float.fromhex("0x1.9ffdfep-7")),
        [127],
        100,
        99,
    ),
    "HARD_SWISH": (function("HARD_SWISH", *SWISH), [83], 113, 114),
}


def test_a_profile_that_lacks_an_operator_says_so():
    writer = Writer()
    x = writer.input((1, 4), "int8", 0.1)
    writer.operator("L2_NORMALIZATION", [x], [writer.output((1, 4), "int8", 2.0**-7)])
    with pytest.raises(UnsupportedError, match="tflm-single has no L2_NORMALIZATION"):
        import_bytes(writer.bytes(), "norm", "tflm-single")


@pytest.mark.parametrize("name", CASES)
def test_each_recipe_gives_its_own_bytes(name):
    writer, numbers, new, old = CASES[name]
    raw = writer.bytes()
    dtype = "int16" if name == "SUB" else "int8"
    inputs = [np.full((1, 1, 1), number, dtype) for number in numbers]
    assert int(Interpreter(raw).run(inputs)[0].item()) == new
    for profile, expected in ((NEW, new), (OLD, old)):
        (answer,) = reference.run(import_bytes(raw, "recipe", profile), inputs)
        assert int(answer.item()) == expected, profile
