import pytest

from support import draw
from support.forms import FORMS, compare


def maximum(rng):
    return draw.binary(rng, "MAXIMUM", draw.choice(rng, ("int8", "int16")), tied=True)


def minimum(rng):
    return draw.binary(rng, "MINIMUM", draw.choice(rng, ("int8", "int16")), tied=True)


@pytest.mark.parametrize("make", [maximum, minimum])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
