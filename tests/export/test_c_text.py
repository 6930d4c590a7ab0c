import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.export import c_text
from qembed.export.lowering import CArray


@given(st.text())
def test_any_text_becomes_a_prefix_that_passes_its_own_check(text):
    prefix = c_text.sanitize_prefix(text)
    assert c_text.check_prefix(prefix) == prefix
    assert prefix.isidentifier() and prefix.isascii() and len(prefix) <= c_text.MAX_PREFIX


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("kws_int8.tflite", "kws_int8_tflite"),
        ("Person Detect", "person_detect"),
        ("3 layers", "model_3_layers"),
        ("", "model"),
        ("qe_conv", "model_qe_conv"),
        ("string", "model_string"),
        ("\u00e9t\u00e9", "t"),
    ],
)
def test_prefixes(text, prefix):
    assert c_text.sanitize_prefix(text) == prefix


@given(st.text())
def test_comments_cannot_be_left(text):
    line = c_text.comment(text)
    assert "*/" not in line and "\n" not in line and "\\" not in line and "?" not in line


@pytest.mark.parametrize(
    ("value", "c_type", "text"),
    [
        (-128, "int8_t", "-128"),
        (-(2**31), "int32_t", "INT32_MIN"),
        (2**31 - 1, "int32_t", "2147483647"),
        (2**32 - 1, "uint32_t", "4294967295u"),
        (2**40, "int64_t", "INT64_C(1099511627776)"),
        (-(2**63), "int64_t", "INT64_MIN"),
    ],
)
def test_integers(value, c_type, text):
    assert c_text.integer(value, c_type) == text


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_reals_are_exact(value):
    assert float.fromhex(c_text.real(value).removesuffix("f")) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.1])
def test_only_finite_float32_is_written(value):
    with pytest.raises(ValueError, match="no finite float32"):
        c_text.real(value)


def test_an_array_that_does_not_fit_its_type_is_a_bug():
    with pytest.raises(ValueError, match="'w' does not fit int8_t"):
        c_text.array_lines(CArray("w", "int8_t", np.array([128])))


def test_lines_fit_the_page():
    lines = c_text.array_lines(CArray("w", "int32_t", np.full(100, -123456789)))
    assert max(map(len, lines)) <= c_text.COLUMNS - 4
    assert " ".join(lines).count(",") == 100
    call = c_text.call("qe_conv_s8", [f"argument_number_{i}" for i in range(9)])
    assert [line[:11].strip() for line in call[1:]] == [""] * (len(call) - 1)
