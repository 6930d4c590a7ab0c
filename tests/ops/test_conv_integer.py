import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from support import draw
from support.forms import FORMS
from support.onnx_files import File, compare


def convolution(rng):
    dtype = np.uint8  # of inputs: ONNX Runtime has no other ConvInteger
    groups, depth, outputs = (draw.integer(rng, 1, 3) for _ in range(3))
    window = draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)
    size = tuple(n + draw.integer(rng, 2, 6) for n in window)
    shape = (1, groups * depth, *size)
    w_dtype = draw.choice(rng, (np.int8, np.uint8))
    low, high = (0, 127) if w_dtype == np.uint8 else (-128, 127)
    weights = rng.integers(low, high, (groups * outputs, depth, *window), w_dtype, endpoint=True)
    file = File()
    x = file.input("x", dtype, shape)
    operands = [x, file.constant(weights), file.constant(dtype(rng.integers(0, 256)))]
    y = file.node(
        "ConvInteger",
        operands,
        group=groups,
        strides=[draw.integer(rng, 1, 2), draw.integer(rng, 1, 2)],
        dilations=[draw.integer(rng, 1, 2), 1],
        pads=[draw.integer(rng, 0, 1) for _ in range(4)],
    )
    file.output(y, np.int32)
    return file.bytes(), [rng.integers(0, 256, (3, *shape), dtype)]


def wide(rng):
    """Weights whose distance from their zero point needs nine bits."""
    weights = rng.integers(0, 256, (2, 2, 2, 1), np.uint8)
    file = File()
    x = file.input("x", np.uint8, (1, 2, 4, 3))
    points = [file.constant(np.uint8(rng.integers(0, 256))) for _ in range(2)]
    file.output(file.node("ConvInteger", [x, file.constant(weights), *points]), np.int32)
    return file.bytes(), [rng.integers(0, 256, (3, 1, 2, 4, 3), np.uint8)]


@pytest.mark.parametrize("make", [convolution, wide])
@pytest.mark.parametrize("form", FORMS)
def test_equals_onnxruntime(form, make):
    compare(form, make)
