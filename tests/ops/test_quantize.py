import numpy as np
import pytest

from qembed.importers import import_bytes
from qembed.ir import Graph, Node, Quantization, Tensor
from qembed.ops.quantize import Quantize
from support import draw
from support.forms import FORMS, assert_equal, compare
from support.tflite_writer import Writer

PAIRS = (
    ("int8", "int8"),
    ("int8", "uint8"),
    ("int8", "int16"),
    ("int8", "int32"),
    ("uint8", "int8"),
    ("int16", "int8"),
    ("int16", "int16"),
    ("int16", "int32"),
    ("int32", "int8"),
    ("int32", "int16"),
)


def zero_point(rng, dtype):
    return draw.zero_point(rng) + 128 * (dtype == "uint8") if dtype.endswith("t8") else 0


def from_real(rng, dtype="int8"):
    """Half of the inputs lie on ties or next to one."""
    scale = draw.scale(rng)
    writer = Writer()
    x = writer.input((1, 200), "float32")
    y = writer.output((1, 200), dtype, scale, zero_point(rng, dtype))
    writer.operator("QUANTIZE", [x], [y])
    steps = rng.uniform(-300, 300, (3, 1, 200)) * (1 if dtype.endswith("t8") else 120)
    steps[:, :, ::2] = np.round(steps[:, :, ::2]) + 0.5
    reals = (steps * scale).astype(np.float32)
    reals[:, :, ::4] = np.nextafter(reals[:, :, ::4], np.float32(rng.choice([-1e9, 1e9])))
    reals[0, 0, :2] = [0, -0.0]
    return writer, [reals]


def int16_from_real(rng):
    return from_real(rng, "int16")


def every_value(rng):
    """int8 to int8, all 256 inputs."""
    return between(rng, "int8", "int8", np.arange(-128, 128).reshape(1, 1, 256))


def between_integers(rng):
    source, target = draw.choice(rng, PAIRS)
    limits = np.iinfo(source)
    inputs = rng.integers(limits.min, limits.max + 1, (2, 1, 200))
    if source == "int32":
        inputs >>= int(rng.integers(0, 24))
    return between(rng, source, target, inputs)


def between(rng, source, target, inputs):
    scale = draw.scale(rng)
    # Also far narrower and far wider: multipliers with large shifts both ways.
    wider = 2.0 ** rng.uniform(-3, 3 if target.endswith("t8") else -1)
    if source == "int32":
        wider *= 2.0**12
    writer = Writer()
    shape = inputs.shape[1:]
    x = writer.input(shape, source, scale, zero_point(rng, source))
    y = writer.output(shape, target, float(np.float32(scale * wider)), zero_point(rng, target))
    writer.operator("QUANTIZE", [x], [y])
    return writer, [inputs.astype(source)]


@pytest.mark.parametrize("make", [from_real, int16_from_real, every_value, between_integers])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)


@pytest.mark.parametrize("form", FORMS)
def test_reals_beyond_int32_saturate(form):
    """In C such a conversion is undefined, so there is no judge."""
    tensors = (Tensor("x", (4,), "float32"), Tensor("y", (4,), "int8", Quantization(0.5, 3)))
    node = Node("q", "quantize", Quantize("int8", 3, scale=0.5), (0,), (1,))
    reals = np.array([[np.inf, -np.inf, 3e38, -3e38]], np.float32)
    (answer,) = FORMS[form]([(Graph("q", tensors, (node,), (0,), (1,)), [reals])])
    assert_equal(answer[0], np.array([[127, -128, 127, -128]], np.int8), form)


@pytest.mark.parametrize("target", ["int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("source", ["float32", "int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "reference"])
def test_every_pair_of_types(form, source, target):
    """TFLM converts between some types only; between the others all forms agree at least."""
    rng = np.random.default_rng(0)
    if source == "float32":
        inputs = rng.normal(0, 3e4, (3, 1, 200)).astype(np.float32)
    else:
        limits = np.iinfo(source)
        inputs = rng.integers(limits.min, limits.max + 1, (3, 1, 200))
    writer = Writer()
    quantization = {} if source == "float32" else {"scale": 0.25, "zero_point": 3}
    x = writer.input((1, 200), source, **quantization)
    y = writer.output((1, 200), target, 0.75, 2)
    writer.operator("QUANTIZE", [x], [y])
    graph = import_bytes(writer.bytes(), "test")
    jobs = [(graph, [inputs.astype(source)])]
    assert_equal(FORMS[form](jobs)[0][0], FORMS["reference"](jobs)[0][0], form)
