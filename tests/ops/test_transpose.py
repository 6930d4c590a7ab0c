import numpy as np
import pytest

from qembed.importers import import_bytes
from support import draw
from support.forms import FORMS, assert_equal, compare
from support.tflite_writer import Writer


def transpose(rng, dtype="int8"):
    rank = draw.integer(rng, 1, 5)
    shape = tuple(draw.integer(rng, 1, 5) for _ in range(rank))
    order = rng.permutation(rank)
    quantization = draw.scale(rng), draw.zero_point(rng, dtype)
    writer = Writer()
    x = writer.input(shape, dtype, *quantization)
    y = writer.output([shape[axis] for axis in order], dtype, *quantization)
    writer.operator("TRANSPOSE", [x, writer.constant(order.astype(np.int32))], [y])
    return writer, [draw.activations(rng, shape, dtype)]


def int16(rng):
    return transpose(rng, "int16")


def space_to_depth(rng):
    block, n = draw.integer(rng, 1, 3), draw.integer(rng, 1, 2)
    h, w, c = (draw.integer(rng, 1, 4) for _ in range(3))
    shapes = (n, h * block, w * block, c), (n, h, w, c * block * block)
    return moved(rng, "SPACE_TO_DEPTH", *shapes, blockSize=block)


def depth_to_space(rng):
    block, n = draw.integer(rng, 1, 3), draw.integer(rng, 1, 2)
    h, w, c = (draw.integer(rng, 1, 4) for _ in range(3))
    shapes = (n, h, w, c * block * block), (n, h * block, w * block, c)
    return moved(rng, "DEPTH_TO_SPACE", *shapes, blockSize=block)


def space_to_batch(rng):
    """Without padding, which TFLM fills with whatever its memory holds."""
    block = rng.integers(1, 4, 2)
    n, c = draw.integer(rng, 1, 2), draw.integer(rng, 1, 3)
    out = rng.integers(1, 4, 2)
    shapes = (n, *(out * block), c), (n * int(block.prod()), *out, c)
    constants = (block, np.zeros((2, 2)))
    return moved(rng, "SPACE_TO_BATCH_ND", *shapes, constants=constants)


def batch_to_space(rng):
    block = rng.integers(1, 4, 2)
    n, c = draw.integer(rng, 1, 2), draw.integer(rng, 1, 3)
    size = rng.integers(2, 5, 2)
    crops = np.stack([rng.integers(0, 2, 2), rng.integers(0, 2, 2)])
    shapes = (n * int(block.prod()), *size, c), (n, *(size * block - crops.sum(axis=1)), c)
    if min(shapes[1]) < 1:
        crops[:] = 0
        shapes = shapes[0], (n, *(size * block), c)
    return moved(rng, "BATCH_TO_SPACE_ND", *shapes, constants=(block, crops))


def moved(rng, code, before, after, constants=(), **options):
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(before, "int8", *quantization)
    y = writer.output(after, "int8", *quantization)
    given = [writer.constant(np.asarray(value).astype(np.int32)) for value in constants]
    writer.operator(code, [x, *given], [y], **options)
    return writer, [draw.activations(rng, tuple(map(int, before)))]


@pytest.mark.parametrize(
    "make", [transpose, int16, space_to_depth, depth_to_space, space_to_batch, batch_to_space]
)
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)


@pytest.mark.parametrize("form", FORMS)
def test_space_to_batch_pads_with_zeros(form):
    rng = np.random.default_rng(0)
    constants = (np.array([2, 2]), np.array([[1, 2], [0, 1]]))
    shapes = (1, 3, 3, 2), (4, 3, 2, 2)
    writer, inputs = moved(rng, "SPACE_TO_BATCH_ND", *shapes, constants=constants)
    graph = import_bytes(writer.bytes(), "test")
    zero_point = graph.tensors[graph.inputs[0]].quantization.zero_point
    padded = np.pad(inputs[0], ((0, 0), (0, 0), (1, 2), (0, 1), (0, 0)), constant_values=zero_point)
    want = [padded[:, 0, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    (answer,) = FORMS[form]([(graph, inputs)])
    assert_equal(answer[0], np.stack(want, axis=1), form)
