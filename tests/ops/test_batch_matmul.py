import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def batch_matmul(rng, dtype="int8"):
    m, k, n = (draw.integer(rng, 1, 8) for _ in range(3))
    batch1, batch2 = draw.choice(rng, (((), ()), ((2,), (2,)), ((2, 3), (2, 3)), ((2, 1), (1, 3))))
    transposed = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    shape1 = (*batch1, *((k, m) if transposed[0] else (m, k)))
    shape2 = (*batch2, *((n, k) if transposed[1] else (k, n)))
    scale1, scale2 = draw.scale(rng), draw.scale(rng)
    typical = 5000 / rng.uniform(20, 150) if dtype == "int8" else 3e8 / rng.uniform(4e3, 3e4)
    y_scale = float(np.float32(scale1 * scale2 * np.sqrt(k) * typical))
    writer = Writer()
    x1 = writer.input(shape1, dtype, scale1, draw.zero_point(rng, dtype))
    x2 = writer.input(shape2, dtype, scale2, draw.zero_point(rng, dtype))
    whole = (*draw.broadcast(batch1, batch2), m, n)
    y = writer.output(whole, dtype, y_scale, draw.zero_point(rng, dtype))
    writer.operator("BATCH_MATMUL", [x1, x2], [y], adjX=transposed[0], adjY=transposed[1])
    return writer, [draw.activations(rng, shape, dtype) for shape in (shape1, shape2)]


def int16(rng):
    return batch_matmul(rng, "int16")


@pytest.mark.parametrize("make", [batch_matmul, int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
