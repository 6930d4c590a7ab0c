import pytest

from support import draw
from support.forms import FORMS, compare


def int8(rng):
    return draw.resize(rng, "RESIZE_BILINEAR", "int8")


@pytest.mark.parametrize("make", [int8])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
