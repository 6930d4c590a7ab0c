"""Functions of two int8 values: every pair of inputs, broadcast shapes, against ONNX Runtime."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from support import draw
from support.forms import FORMS
from support.onnx_files import File, compare


def subtract(rng):
    dtype = draw.choice(rng, (np.int8, np.uint8))
    shape = tuple(draw.integer(rng, 1, 5) for _ in range(draw.integer(rng, 1, 4)))
    other = tuple(1 if rng.random() < 0.3 else n for n in shape)
    file = File()
    inputs = []
    for name, size in (("a", shape), ("b", other)):
        limits = np.iinfo(dtype)
        x = file.input(name, dtype, size)
        point = dtype(rng.integers(limits.min, limits.max, endpoint=True))
        file.dequantize(x, draw.scale(rng, -6, -2), point)
        inputs.append(rng.integers(limits.min, limits.max, (20, *size), dtype, endpoint=True))
    real = file.node("Sub", [node.output[0] for node in file.nodes])
    file.output(file.quantize(real, draw.scale(rng, -6, -2), dtype(3)), dtype)
    return file.bytes(), inputs


@pytest.mark.parametrize("form", FORMS)
def test_equals_onnxruntime(form):
    compare(form, subtract)
