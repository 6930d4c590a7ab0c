import pytest

from support import draw
from support.forms import FORMS, compare


def int8(rng):
    return draw.binary(rng, "MUL", "int8")


def int16(rng):
    return draw.binary(rng, "MUL", "int16")


@pytest.mark.parametrize("make", [int8, int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
