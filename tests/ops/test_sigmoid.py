"""LOGISTIC and TANH of int16: all 65536 inputs for every scale."""

import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer

EVERY_INPUT = np.arange(-32768, 32768).astype(np.int16).reshape(1, 1, -1)


def logistic(rng, code="LOGISTIC"):
    scale = draw.choice(rng, (2.0**-12, 2.0**-11, 2.0**-13, draw.scale(rng, -16, 1)))
    writer = Writer()
    x = writer.input((1, 65536), "int16", scale)
    writer.operator(code, [x], [writer.output((1, 65536), "int16", 2.0**-15)])
    return writer, [EVERY_INPUT]


def tanh(rng):
    return logistic(rng, "TANH")


@pytest.mark.parametrize("make", [logistic, tanh])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make, 40)
