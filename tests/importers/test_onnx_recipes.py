"""The chip's arithmetic for .onnx files: near what ONNX Runtime computes, whatever it computes in.

Operators that the profile `onnxruntime` refuses are among them. A wrong axis, padding or scale is
far off; two ways of rounding are a step or two.
"""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from importers.test_onnx_float32 import Net
from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.importers import import_bytes
from support import draw, native
from support.onnx_files import run

SETS = 25


def average_pool(rng):
    net = Net(rng)
    window = [draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)]
    x = net.input((1, 3, *(n + draw.integer(rng, 1, 5) for n in window)))
    real = net.file.node(
        "AveragePool",
        [x],
        kernel_shape=window,
        strides=[draw.integer(rng, 1, 3), draw.integer(rng, 1, 3)],
        pads=[draw.integer(rng, 0, k - 1) for k in window * 2],
        count_include_pad=int(rng.integers(2)),
    )
    return net.output(real, net.scale)


def softmax(rng):
    net = Net(rng, (13, 17))
    axis = draw.integer(rng, 1, 3)
    x = net.input((1, 5, 4, 3), draw.scale(rng, -6, -3))
    real = net.file.node("Softmax", [x], axis=axis)
    return net.output(real, 1 / 256, net.dtype(net.limits.min))


def conv_transpose(rng):
    net = Net(rng)
    depth, outputs = draw.integer(rng, 1, 4), draw.integer(rng, 1, 4)
    window = [draw.integer(rng, 2, 4), draw.integer(rng, 2, 4)]
    stride = [draw.integer(rng, 1, 2), draw.integer(rng, 1, 2)]
    x = net.input((1, depth, 5, 4))
    weights = rng.integers(-127, 128, (depth, outputs, *window)).astype(np.int8)
    real = net.file.node(
        "ConvTranspose",
        [x, net.file.weights(weights, 0.01)],
        strides=stride,
        pads=[draw.integer(rng, 0, 1) for _ in range(4)],
        output_padding=[draw.integer(rng, 0, s - 1) for s in stride],
    )
    return net.output(real, float(np.float32(net.scale * 3 * np.sqrt(weights.size))))


def resize(rng):
    net = Net(rng)
    x = net.input((1, 3, draw.integer(rng, 2, 5), draw.integer(rng, 2, 5)))
    mode = draw.choice(rng, ("nearest", "linear"))
    how = draw.choice(rng, ("half_pixel", "asymmetric", "align_corners"))
    larger = (1.5, 2.5) if mode == "nearest" else (2, 3)
    scales = np.float32([1, 1, draw.choice(rng, larger), draw.choice(rng, (*larger, 2, 3))])
    inputs = [x, "", net.file.constant(scales)]
    modes = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    more = {"nearest_mode": draw.choice(rng, modes)} if mode == "nearest" else {}
    real = net.file.node("Resize", inputs, mode=mode, coordinate_transformation_mode=how, **more)
    return net.output(real, net.scale)


def blocks(rng):
    net = Net(rng)
    code = draw.choice(rng, ("DepthToSpace", "SpaceToDepth"))
    x = net.input((1, 8, 4, 6))
    return net.output(net.file.node(code, [x], blocksize=2), net.scale)


def mean(rng):
    net = Net(rng, (17,))
    axes = sorted(int(a) for a in rng.choice([1, 2, 3], draw.integer(rng, 1, 3), replace=False))
    x = net.input((1, 3, 4, 5))
    real = net.file.node("ReduceMean", [x], axes=axes, keepdims=int(rng.integers(2)))
    return net.output(real, net.scale)


def activated_conv(rng):
    """Behind which a Clip cuts."""
    net = Net(rng)
    x = net.input((1, 2, 5, 5))
    weights = rng.integers(-127, 128, (3, 2, 3, 3)).astype(np.int8)
    real = net.file.node("Conv", [x, net.file.weights(weights, 0.01)])
    scale = float(np.float32(net.scale * 5))
    ends = [net.file.constant(np.float32(end * scale)) for end in (-20, 40)]
    middle = net.dtype((int(net.limits.min) + int(net.limits.max)) // 2)
    return net.output(net.file.node("Clip", [real, *ends]), scale, middle)


def elu(rng):
    net = Net(rng)
    return net.output(net.file.node("Elu", [net.input((2, 40))]), net.scale)


def padded(rng):
    net = Net(rng)
    x = net.input((1, 2, 3, 4))
    edges = [draw.integer(rng, 0, 2) for _ in range(8)]
    operands = [x, net.file.constant(np.array(edges, np.int64))]
    if rng.random() < 0.5:
        step = int(rng.integers(net.limits.min, net.limits.max, endpoint=True)) - int(net.zero)
        operands.append(net.file.constant(np.float32(step * net.scale)))
    return net.output(net.file.node("Pad", operands), net.scale)


MAKES = [
    average_pool,
    softmax,
    conv_transpose,
    resize,
    blocks,
    mean,
    activated_conv,
    elu,
    padded,
]


@pytest.mark.parametrize("make", MAKES)
def test_near_onnxruntime(make):
    far = 0
    for seed in range(SETS):
        raw, inputs = make(np.random.default_rng(seed))
        graph = import_bytes(raw, f"seed {seed}")
        (theirs,), (ours,) = run(raw, inputs), HostModel(graph).run(inputs)
        assert ours.dtype == theirs.dtype and ours.size == theirs.size
        difference = ours.astype(int) - theirs.reshape(ours.shape).astype(int)
        assert np.abs(difference).max() <= 2, f"seed {seed}"
        far += np.count_nonzero(np.abs(difference) > 1)
        assert reference.run(graph, inputs)[0].tobytes() == ours.tobytes()
    assert far <= 20


def test_weights_of_four_bits():
    from onnx import TensorProto, helper

    net = Net(np.random.default_rng(0), (21,))
    x = net.input((1, 2, 4, 4))
    values = np.random.default_rng(1).integers(-8, 8, (3, 2, 3, 3))
    tensor = helper.make_tensor("narrow", TensorProto.INT4, values.shape, values.ravel())
    net.file.constants.append(tensor)
    zero = helper.make_tensor("zero", TensorProto.INT4, (), [0])
    net.file.constants.append(zero)
    real = net.file.node("DequantizeLinear", ["narrow", net.file.constant(np.float32(0.1)), "zero"])
    raw, inputs = net.output(net.file.node("Conv", [x, real]), net.scale * 4)
    graph = import_bytes(raw, "narrow")
    (layer,) = [node.params for node in graph.nodes if node.op == "conv"]
    assert layer.weight_bits == 4
    assert np.array_equal(layer.weights, values.transpose(0, 2, 3, 1))
    (theirs,), (ours,) = run(raw, inputs), native.run(graph, inputs)
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
