"""The range of every input decides its scale: ordinary ones, one-sided, constant, tiny and huge."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from support import draw
from support.forms import FORMS
from support.onnx_files import File, compare


def dynamic(rng):
    shape = tuple(draw.integer(rng, 1, 6) for _ in range(draw.integer(rng, 1, 3)))
    file = File()
    x = file.input("x", np.float32, shape)
    names = file.node("DynamicQuantizeLinear", [x], 3)
    for name, dtype in zip(names, (np.uint8, np.float32, np.uint8), strict=True):
        file.output(name, dtype)
    size = 10.0 ** rng.uniform(-6, 6)
    shift = draw.choice(rng, (0.0, 0.0, 3.0, -3.0))
    inputs = ((rng.normal(size=(20, *shape)) + shift) * size).astype(np.float32)
    inputs[0] = 0
    # Whole numbers of half steps: ties.
    inputs[1] = rng.integers(-200, 200, shape)
    inputs[1].flat[0] = 255 if shift > 0 else -255
    inputs[2] = inputs[1] / 2
    return file.bytes(), [inputs]


@pytest.mark.parametrize("form", FORMS)
def test_equals_onnxruntime(form):
    compare(form, dynamic)
