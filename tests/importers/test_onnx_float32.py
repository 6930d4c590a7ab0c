"""The arithmetic of ONNX Runtime (docs/arithmetic.md, section 8): random operators, every byte."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from qembed.errors import UnsupportedError
from qembed.importers import import_bytes
from support import draw
from support.onnx_files import File, compare

SAMPLES = 6
TYPES = (np.int8, np.uint8)


class Net:
    """One operator between dequantized inputs and a quantized output, all of one type."""

    def __init__(self, rng, opsets=(13, 17, 21)) -> None:
        self.rng, self.file, self.inputs = rng, File(draw.choice(rng, opsets)), []
        self.dtype = draw.choice(rng, TYPES)
        self.limits = np.iinfo(self.dtype)

    def point(self):
        low, high = self.limits.min, self.limits.max
        kind = self.rng.random()
        drawn = low if kind < 0.3 else high if kind < 0.35 else self.rng.integers(low, high + 1)
        return self.dtype(drawn)

    def some_scale(self):
        """Powers of two make ties."""
        if self.rng.random() < 0.3:
            return float(2.0 ** draw.integer(self.rng, -6, -2))
        return draw.scale(self.rng, -6, -2)

    def values(self, shape):
        return self.rng.integers(self.limits.min, self.limits.max, shape, self.dtype, endpoint=True)

    def input(self, shape, scale=None, every=False) -> str:
        self.scale = scale or self.some_scale()
        name = self.file.input(f"x{len(self.inputs)}", self.dtype, shape)
        given = self.values((SAMPLES, *shape))
        if every:
            given[0] = np.arange(self.limits.min, self.limits.max + 1).reshape(shape)
        self.inputs.append(given)
        self.zero = self.point()
        return self.file.dequantize(name, self.scale, self.zero)

    def constant(self, shape) -> str:
        name = self.file.constant(self.values(shape))
        return self.file.dequantize(name, draw.scale(self.rng, -6, -2), self.point())

    def output(self, real: str, scale=None, point=None):
        point = self.point() if point is None else point
        scale = scale or self.some_scale()
        self.file.output(self.file.quantize(real, scale, point), self.dtype)
        return self.file.bytes(), self.inputs


def shape_of(rng, rank=None):
    return tuple(draw.integer(rng, 1, 5) for _ in range(rank or draw.integer(rng, 1, 4)))


def conv(rng):
    """1-D and 2-D, groups, dilation, every kind of bias, weights of both types."""
    net = Net(rng)
    spatial = draw.choice(rng, (1, 2, 2))
    groups = draw.choice(rng, (1, 1, 2, 4))
    depth = draw.choice(rng, (1, 1, 2, 3))
    outputs = groups * draw.integer(rng, 1, 3)
    window = tuple(draw.integer(rng, 1, 3) for _ in range(spatial))
    size = tuple(n + draw.integer(rng, 3, 6) for n in window)
    x = net.input((1, groups * depth, *size))
    weights = rng.integers(-127, 128, (outputs, depth, *window)).astype(np.int8)
    per_channel = rng.random() < 0.5
    count = outputs if per_channel else ()
    scales = np.float32(2.0 ** rng.uniform(-9, -5, count))
    operands = [x, net.file.weights(weights, scales)]
    kind = rng.random()
    if kind < 0.7:
        bias = rng.integers(-3000, 3000, outputs).astype(np.int32)
        operands.append(net.file.weights(bias, np.float32(np.float32(net.scale) * scales)))
    real = net.file.node(
        "Conv",
        operands,
        group=groups,
        kernel_shape=window,
        strides=[draw.integer(rng, 1, 2) for _ in window],
        dilations=[draw.choice(rng, (1, 1, 2)) for _ in window],
        pads=[draw.integer(rng, 0, 2) for _ in range(2 * spatial)],
    )
    spread = 80 * net.scale * float(np.max(scales)) * 60 * np.sqrt(weights[0].size)
    scale = float(np.float32(spread / 100))
    if rng.random() < 0.3:  # an activation that the lowest zero point makes idle
        return net.output(net.file.node("Relu", [real]), scale, net.dtype(net.limits.min))
    return net.output(real, scale)


def qlinear_conv(rng):
    """As one operator; uint8 weights with any zero point, which may need nine bits."""
    net = Net(rng)
    net.dtype, net.limits = np.uint8, np.iinfo(np.uint8)
    groups, depth = draw.choice(rng, ((1, 2), (1, 3), (3, 1)))
    x = net.file.input("x", np.uint8, (1, groups * depth, 5, 4))
    net.inputs.append(net.values((SAMPLES, 1, groups * depth, 5, 4)))
    weights = rng.integers(0, 256, (groups * 2, depth, 3, 2)).astype(np.uint8)
    scale, w_scale = draw.scale(rng, -6, -2), draw.scale(rng, -9, -5)
    numbers = [np.float32(scale), net.point(), weights, np.float32(w_scale), net.point()]
    y_scale = np.float32(scale * w_scale * 100 * np.sqrt(weights[0].size))
    numbers += [y_scale, net.point(), rng.integers(-900, 900, groups * 2).astype(np.int32)]
    names = [net.file.constant(number) for number in numbers]
    net.file.output(net.file.node("QLinearConv", [x, *names], group=groups), np.uint8)
    return net.file.bytes(), net.inputs


def gemm(rng):
    net = Net(rng)
    depth, outputs = draw.integer(rng, 1, 40), draw.integer(rng, 1, 9)
    x = net.input((draw.integer(rng, 1, 3), depth))
    transposed = bool(rng.integers(2))
    weights = rng.integers(-127, 128, (outputs, depth)).astype(np.int8)
    per_channel = rng.random() < 0.5
    scales = np.float32(2.0 ** rng.uniform(-9, -5, outputs if per_channel else ()))
    stored = weights if transposed else np.ascontiguousarray(weights.T)
    operands = [x, net.file.weights(stored, scales, 0 if transposed else 1)]
    bias = rng.integers(-3000, 3000, outputs).astype(np.int32)
    operands.append(net.file.weights(bias, np.float32(np.float32(net.scale) * scales)))
    real = net.file.node("Gemm", operands, transB=int(transposed))
    return net.output(real, float(np.float32(net.scale * np.max(scales) * 60 * np.sqrt(depth))))


def matmul(rng):
    """Of two activations, or with a constant; matrices in stacks."""
    net = Net(rng)
    rows, depth, columns = (draw.integer(rng, 1, 9) for _ in range(3))
    stack = shape_of(rng, 1) if rng.random() < 0.5 else ()
    one = net.input((*stack, rows, depth))
    first = net.scale
    if rng.random() < 0.5:
        other = net.input((*stack, depth, columns))
    else:
        net.scale = draw.scale(rng, -8, -5)
        kept = net.values((depth, columns))
        other = net.file.dequantize(net.file.constant(kept), net.scale, net.point())
    real = net.file.node("MatMul", [one, other])
    return net.output(real, float(np.float32(first * net.scale * 60 * np.sqrt(depth))))


def binary(code):
    def make(rng):
        net = Net(rng)
        shape = shape_of(rng)
        other = tuple(1 if rng.random() < 0.3 else n for n in shape)[draw.integer(rng, 0, 1) :]
        one = net.input(shape)
        first = net.scale
        constant = code == "PRelu" or rng.random() < 0.3
        two = net.constant(other) if constant else net.input(other)
        operands = [one, two] if code == "PRelu" or rng.random() < 0.5 else [two, one]
        real = net.file.node(code, operands)
        if rng.random() < 0.3:
            real = net.file.node("Relu", [real])
        scale = first * net.scale * 100 if code == "Mul" else first * 1.5
        return net.output(real, float(np.float32(scale)))

    make.__name__ = code
    return make


def every_pair(code):
    """All 65,536 pairs of values."""

    def make(rng):
        net = Net(rng)
        names, scales = [], []
        for shape in ((1, 256, 1), (1, 1, 256)):
            names.append(net.input(shape, every=True))
            net.inputs[-1] = net.inputs[-1][:1]
            scales.append(net.scale)
        scale = scales[0] * scales[1] * 200 if code == "Mul" else max(scales) * rng.uniform(0.7, 3)
        return net.output(net.file.node(code, names), float(np.float32(scale)))

    make.__name__ = f"every_pair_of_{code}"
    make.sets = 40  # of 65,536 values each
    return make


def orders_of_axes(rng):
    """One operand is stored channels last, the other is not, a third is constant by channel."""
    net = Net(rng)
    shape = (1, draw.integer(rng, 2, 4), draw.integer(rng, 2, 4), draw.integer(rng, 2, 4))
    one = net.file.node("MaxPool", [net.input(shape)], kernel_shape=[1, 1])
    other = net.input(shape if rng.random() < 0.5 else shape[1:])
    operands = [one, other] if rng.random() < 0.5 else [other, one]
    point, scale = net.point(), net.some_scale()
    total = net.file.node("Add", operands)
    total = net.file.dequantize(net.file.quantize(total, scale, point), scale, point)
    by_channel = net.constant((shape[1], 1, 1))
    return net.output(net.file.node("Sub", [total, by_channel]))


def unary(code, **attributes):
    def make(rng):
        net = Net(rng, (14, 21))  # HardSwish is new in 14
        x = net.input((1, 16, 4, 4), draw.scale(rng, -8, -1), every=True)
        real = net.file.node(code, [x], **attributes)
        if rng.random() < 0.2:
            ends = [net.file.constant(np.float32(end)) for end in (-0.25, 0.75)]
            real = net.file.node("Clip", [real, *ends])
        scale = draw.choice(rng, (draw.scale(rng, -9, -2), net.scale * 4))
        return net.output(real, scale)

    make.__name__ = code
    return make


def with_a_number(rng):
    """One operand is a real constant."""
    net = Net(rng)
    x = net.input((2, 128), every=True)
    number = net.file.constant(np.float32(rng.normal()))
    operands = [x, number] if rng.random() < 0.5 else [number, x]
    return net.output(net.file.node(draw.choice(rng, ("Add", "Sub", "Mul")), operands))


def global_average_pool(rng):
    net = Net(rng)
    x = net.input((1, draw.integer(rng, 1, 9), draw.integer(rng, 1, 9), draw.integer(rng, 1, 9)))
    return net.output(net.file.node("GlobalAveragePool", [x]), net.scale / 2)


def max_pool(rng):
    net = Net(rng)
    window = [draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)]
    x = net.input((1, draw.integer(rng, 1, 4), *(n + draw.integer(rng, 1, 5) for n in window)))
    pads = [draw.integer(rng, 0, k - 1) for k in window * 2]
    strides = [draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)]
    ceil = int(rng.integers(2))
    real = net.file.node(
        "MaxPool", [x], kernel_shape=window, strides=strides, pads=pads, ceil_mode=ceil
    )
    return net.output(real)


def concat(rng):
    net = Net(rng)
    shape, axis = shape_of(rng, 4), draw.integer(rng, -4, 3)
    parts = []
    for _ in range(draw.integer(rng, 1, 4)):
        part = list(shape)
        part[axis] = draw.integer(rng, 1, 4)
        parts.append(net.input(tuple(part)))
    if rng.random() < 0.3:
        parts.append(net.constant(shape))
    return net.output(net.file.node("Concat", parts, axis=axis))


def real_edges(rng):
    """From real numbers to integers and back, ties among them."""
    net = Net(rng)
    shape = shape_of(rng)
    scale = draw.choice(rng, (1.0, 0.5, draw.scale(rng)))
    steps = rng.integers(-300, 300, (SAMPLES, *shape)) / 2
    net.inputs.append((steps * scale).astype(np.float32))
    point = net.point()
    quantized = net.file.quantize(net.file.input("x", np.float32, shape), scale, point)
    net.file.output(net.file.dequantize(quantized, scale, point), np.float32)
    return net.file.bytes(), net.inputs


def moves(rng):
    """Chains of operators that move values, with images channels first in between."""
    net = Net(rng)
    x = net.input((1, 4, 6, 4))
    scale, dequantizes = net.scale, net.file.nodes[-1]
    points = dequantizes.input[1:]
    layout = draw.choice(rng, (None, None, "MaxPool"))
    if layout:
        x = net.file.node("MaxPool", [x], kernel_shape=[1, 1])
    for _ in range(draw.integer(rng, 1, 4)):
        x = move(rng, net.file, x)
    quantized = net.file.node("QuantizeLinear", [x, *points])
    net.file.output(quantized, net.dtype)
    assert scale > 0
    return net.file.bytes(), net.inputs


def move(rng, file, x: str) -> str:
    """One operator on a tensor of four axes, each of them even."""
    kind = draw.choice(
        rng, ("Transpose", "Slice", "Pad", "Unsqueeze", "Flatten", "Gather", "Reshape")
    )
    integers = lambda *numbers: file.constant(np.array(numbers, np.int64))  # noqa: E731
    if kind == "Transpose":
        order = [int(n) for n in rng.permutation(4)]
        return file.node("Transpose", [x], perm=order)
    if kind == "Slice":
        axis = draw.integer(rng, 1, 3)
        step = draw.choice(rng, (1, -1))
        ends = (0, 1 << 40) if step == 1 else (-1, -(1 << 40))
        return file.node(
            "Slice", [x, integers(ends[0]), integers(ends[1]), integers(axis), integers(step)]
        )
    if kind == "Pad":
        edges = [draw.integer(rng, 0, 1) for _ in range(4)]
        return file.node("Pad", [x, integers(*edges, *edges)])
    if kind == "Unsqueeze":
        axis = draw.integer(rng, 0, 4)
        wide = file.node("Unsqueeze", [x, integers(axis)])
        turned = file.node("Transpose", [wide], perm=[axis, *(i for i in range(5) if i != axis)])
        return file.node("Squeeze", [turned, integers(0)])
    if kind == "Flatten":
        return file.node("Reshape", [file.node("Flatten", [x], axis=2), integers(1, 2, -1, 2)])
    if kind == "Gather":
        return file.node("Gather", [x, integers(0, -1, 0, -1)], axis=draw.integer(rng, 0, 3))
    return file.node("Reshape", [x, integers(0, -1, 2, 1)])


def split(rng):
    """Halves in the other order, by sizes or without."""
    net = Net(rng)
    axis = draw.integer(rng, -3, 3) or 2
    x = net.input((1, 4, 6, 2))
    if rng.random() < 0.5:
        shape = (1, 4, 6, 2)[axis]
        cut = draw.integer(rng, 1, shape - 1)
        sizes = [net.file.constant(np.array([cut, shape - cut]))]
        names = net.file.node("Split", [x, *sizes], 2, axis=axis)
    else:
        names = net.file.node(
            "Split", [x], 2, axis=axis, **({"num_outputs": 2} if net.file.opset >= 18 else {})
        )
    return net.output(net.file.node("Concat", names[::-1], axis=axis))


MAKES = [
    conv,
    qlinear_conv,
    gemm,
    matmul,
    *(binary(code) for code in ("Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu")),
    every_pair("Add"),
    every_pair("Mul"),
    orders_of_axes,
    *(unary(code) for code in ("Sigmoid", "Tanh", "HardSwish", "Relu", "Abs", "Neg", "Sqrt")),
    *(unary(code) for code in ("Floor", "Ceil", "Reciprocal", "Identity")),
    unary("LeakyRelu", alpha=0.3),
    with_a_number,
    global_average_pool,
    max_pool,
    concat,
    real_edges,
    moves,
    split,
]


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("form", ["reference", "host"])
def test_equals_onnxruntime(form, make):
    compare(form, make, getattr(make, "sets", 200))


def relu_that_cuts(code):
    """A zero point above the lowest: the type does not do what the Relu does."""
    net = Net(np.random.default_rng(0))
    x = net.input((1, 2, 4, 4))
    if code == "Conv":
        weights = net.file.weights(np.ones((2, 2, 1, 1), np.int8), 0.1)
        real = net.file.node("Conv", [x, weights])
    else:
        real = net.file.node(code, [x])
    return net.output(net.file.node("Relu", [real]), 0.1, net.dtype(net.limits.min + 9))[0]


@pytest.mark.parametrize("code", ["Conv", "GlobalAveragePool"])
def test_what_onnxruntime_computes_in_float_is_refused(code):
    raw = relu_that_cuts(code)
    with pytest.raises(UnsupportedError, match="its bytes cannot be promised"):
        import_bytes(raw, "cut", "onnxruntime")
    assert import_bytes(raw, "cut", "tflm").nodes
