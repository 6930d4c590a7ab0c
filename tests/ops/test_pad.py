import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def pad(rng, dtype="int8", value=False):
    rank = draw.integer(rng, 1, 4)
    shape = tuple(draw.integer(rng, 1, 5) for _ in range(rank))
    padding = rng.integers(0, 4, (rank, 2)).astype(np.int32)
    quantization = {"scale": draw.scale(rng), "zero_point": draw.zero_point(rng, dtype)}
    writer = Writer()
    operands = [writer.input(shape, dtype, **quantization), writer.constant(padding)]
    if value:
        operands.append(writer.constant(draw.activations(rng, (1,), dtype)[0], **quantization))
    y = writer.output(np.array(shape) + padding.sum(axis=1), dtype, **quantization)
    writer.operator("PADV2" if value else "PAD", operands, [y])
    return writer, [draw.activations(rng, shape, dtype)]


def padv2(rng):
    return pad(rng, value=True)


def int16(rng):
    return pad(rng, "int16")


@pytest.mark.parametrize("make", [pad, padv2, int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
