import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from support import draw
from support.forms import FORMS
from support.onnx_files import File, compare


def product(rng):
    batch = tuple(draw.integer(rng, 1, 3) for _ in range(draw.integer(rng, 0, 2)))
    rows, depth, columns = (draw.integer(rng, 1, 9) for _ in range(3))
    other = batch if rng.random() < 0.5 else ()
    shapes = ((*batch, rows, depth), (*other, depth, columns))
    file = File()
    names, points, inputs = [], [], []
    for name, shape, dtype in zip("ab", shapes, (np.uint8, np.uint8), strict=True):
        names.append(file.input(name, dtype, shape))
        points.append(file.constant(dtype(rng.integers(0, 256))))
        inputs.append(rng.integers(0, 256, (3, *shape), dtype))
    given = points if rng.random() < 0.8 else []
    file.output(file.node("MatMulInteger", [*names, *given]), np.int32)
    return file.bytes(), inputs


@pytest.mark.parametrize("form", FORMS)
def test_equals_onnxruntime(form):
    compare(form, product)
