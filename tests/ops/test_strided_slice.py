import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def strided_slice(rng, dtype="int8"):
    """Positions also negative and outside; masks; backward strides; dropped axes."""
    rank = draw.integer(rng, 1, 4)
    shape = tuple(draw.integer(rng, 1, 7) for _ in range(rank))
    while True:
        begin, end = rng.integers(-9, 10, rank), rng.integers(-9, 10, rank)
        stride = rng.choice([1, 1, 2, 3, -1, -2], rank)
        masks = {name: int(rng.integers(1 << rank)) for name in ("beginMask", "endMask")}
        shrink = int(rng.integers(1 << rank)) if rng.random() < 0.3 else 0
        picks = []
        for axis in range(rank):
            first = None if masks["beginMask"] >> axis & 1 else int(begin[axis])
            last = None if masks["endMask"] >> axis & 1 else int(end[axis])
            if shrink >> axis & 1:
                begin[axis] = int(rng.integers(-shape[axis], shape[axis]))
                stride[axis] = 1
                masks["beginMask"] &= ~(1 << axis)
                picks.append(int(begin[axis]))
            else:
                picks.append(slice(first, last, int(stride[axis])))
        picked = np.zeros(shape, np.int8)[tuple(picks)]
        if picked.size:
            break
    quantization = draw.scale(rng), draw.zero_point(rng, dtype)
    writer = Writer()
    x = writer.input(shape, dtype, *quantization)
    y = writer.output(picked.shape, dtype, *quantization)
    operands = [writer.constant(v.astype(np.int32)) for v in (begin, end, stride)]
    writer.operator("STRIDED_SLICE", [x, *operands], [y], shrinkAxisMask=shrink, **masks)
    return writer, [draw.activations(rng, shape, dtype)]


def int16(rng):
    return strided_slice(rng, "int16")


def plain_slice(rng):
    rank = draw.integer(rng, 1, 4)
    shape = tuple(draw.integer(rng, 1, 7) for _ in range(rank))
    begin = np.array([rng.integers(n) for n in shape], np.int32)
    size = np.array([rng.integers(1, n - b + 1) for n, b in zip(shape, begin, strict=True)])
    whole = rng.random(rank) < 0.3
    actual = np.where(whole, np.array(shape) - begin, size)
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    y = writer.output(actual, "int8", *quantization)
    given = np.where(whole, -1, size).astype(np.int32)
    writer.operator("SLICE", [x, writer.constant(begin), writer.constant(given)], [y])
    return writer, [draw.activations(rng, shape)]


def parts(rng, code):
    rank = draw.integer(rng, 1, 4)
    axis = draw.integer(rng, 0, rank - 1)
    if code == "SPLIT":
        sizes = [draw.integer(rng, 1, 4)] * draw.integer(rng, 1, 4)
    elif code == "UNPACK":
        sizes = [1] * draw.integer(rng, 1, 5)
    else:
        sizes = [draw.integer(rng, 1, 4) for _ in range(draw.integer(rng, 1, 4))]
    shape = [draw.integer(rng, 1, 5) for _ in range(rank)]
    shape[axis] = sum(sizes)
    quantization = draw.scale(rng), draw.zero_point(rng)
    writer = Writer()
    x = writer.input(shape, "int8", *quantization)
    inner = [] if code == "UNPACK" else None
    outputs = [
        writer.output(
            (*shape[:axis], *([size] if inner is None else inner), *shape[axis + 1 :]),
            "int8",
            *quantization,
        )
        for size in sizes
    ]
    at = writer.constant(np.array(axis - draw.choice(rng, (0, rank)), np.int32))
    if code == "SPLIT":
        writer.operator(code, [at, x], outputs, numSplits=len(sizes))
    elif code == "SPLIT_V":
        given = writer.constant(np.array(sizes, np.int32))
        writer.operator(code, [x, given, at], outputs, numSplits=len(sizes))
    else:
        writer.operator(code, [x], outputs, num=len(sizes), axis=axis)
    return writer, [draw.activations(rng, shape)]


def split(rng):
    return parts(rng, "SPLIT")


def split_v(rng):
    return parts(rng, "SPLIT_V")


def unpack(rng):
    return parts(rng, "UNPACK")


@pytest.mark.parametrize("make", [strided_slice, int16, plain_slice, split, split_v, unpack])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
