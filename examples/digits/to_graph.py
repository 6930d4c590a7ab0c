"""From trained float weights to a qembed graph: post-training quantization in its plainest form.

Weights: one scale a channel, zero point 0. Activations: one scale and zero point a tensor, from the
smallest and largest value seen on the training images. Everything else follows from these scales.
"""

import numpy as np

from qembed.arithmetic import requantization
from qembed.ir import Graph, Node, Quantization, Tensor
from qembed.ops.add import Add
from qembed.ops.average_pool import AveragePool
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.max_pool import MaxPool
from qembed.ops.reshape import Reshape
from qembed.ops.softmax import Softmax

FULL = (-128, 127)


def observed(values):
    """Quantization of an activation that takes these float values; zero must be exact."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    scale = float(np.float32((high - low) / 255))
    return Quantization(scale, round(-128 - low / scale))


def quantize(real, by):
    """int8 values that stand for float ones."""
    return np.clip(np.rint(real / by.scale) + by.zero_point, -128, 127).astype(np.int8)


def layer(weights, bias, channel_axis, x, y, relu):
    """Parameters that all layers share which sum products. `x`, `y`: their Quantization."""
    others = tuple(axis for axis in range(weights.ndim) if axis != channel_axis)
    scale = (np.abs(weights).max(others) / 127).astype(np.float32)
    by_channel = np.expand_dims(scale, others)
    accumulator_scale = scale.astype(np.float64) * x.scale
    return {
        "weights": np.clip(np.rint(weights / by_channel), -127, 127).astype(np.int8),
        "bias": np.rint(bias / accumulator_scale).astype(np.int32),
        "requantization": requantization(accumulator_scale / y.scale, "double"),
        "input_zero_point": x.zero_point,
        "output_zero_point": y.zero_point,
        "activation_range": (y.zero_point, 127) if relu else FULL,
        "weight_scale": scale,
    }


def add(x1, x2, y):
    """Parameters of x1 + x2, clamped at zero; both on twice the larger of their scales."""
    common = 2 * max(x1.scale, x2.scale)
    return Add(
        left_shift=20,
        requantization1=requantization(np.float64(x1.scale / common), "double"),
        requantization2=requantization(np.float64(x2.scale / common), "double"),
        output_requantization=requantization(np.float64(common / (y.scale * 2**20)), "double"),
        input1_zero_point=x1.zero_point,
        input2_zero_point=x2.zero_point,
        output_zero_point=y.zero_point,
        activation_range=(y.zero_point, 127),
    )


def softmax(x):
    """Parameters for scores of this scale; differences are Q5.26."""
    by = requantization(np.float64(x.scale * 2**26), "double")
    shift = int(by.shift[0])
    return Softmax(int(by.multiplier[0]), shift, diff_min=-((31 << 26) >> shift))


def graph(weights, activations):
    """Return the graph. `activations`: by name, the float values seen on the training images."""
    q = {name: observed(values) for name, values in activations.items()}
    q["pool"] = q["wide1"]
    q["average"] = q["sum"]
    q["flat"] = q["sum"]
    q["classes"] = Quantization(1 / 256, -128)
    same3, same1 = ((1, 1), (1, 1)), ((0, 0), (0, 0))
    once = (1, 1)

    def summed(operator, name, x, y, channel_axis, relu=True, **more):
        shared = layer(weights[name], weights[name + ".bias"], channel_axis, q[x], q[y], relu)
        return operator(**shared, **more)

    def conv(name, x, relu=True):
        padding = same3 if weights[name].shape[1] == 3 else same1
        return summed(Conv, name, x, name, 0, relu, stride=once, padding=padding)

    def depthwise(name, x):
        return summed(DepthwiseConv, name, x, name, 2, stride=once, padding=same3)

    pool = MaxPool((2, 2), (2, 2), same1, FULL)
    average = AveragePool((4, 4), once, same1, FULL)
    scores = summed(FullyConnected, "scores", "flat", "scores", 0, relu=False)
    small, large = (1, 4, 4, 32), (1, 8, 8, 32)
    steps = [
        ("image", (1, 8, 8, 1), None, None, []),
        ("stem", (1, 8, 8, 16), "conv", conv("stem", "image"), ["image"]),
        ("depth1", (1, 8, 8, 16), "depthwise_conv", depthwise("depth1", "stem"), ["stem"]),
        ("wide1", large, "conv", conv("wide1", "depth1"), ["depth1"]),
        ("pool", small, "max_pool", pool, ["wide1"]),
        ("depth2", small, "depthwise_conv", depthwise("depth2", "pool"), ["pool"]),
        ("wide2", small, "conv", conv("wide2", "depth2", relu=False), ["depth2"]),
        ("sum", small, "add", add(q["pool"], q["wide2"], q["sum"]), ["pool", "wide2"]),
        ("average", (1, 1, 1, 32), "average_pool", average, ["sum"]),
        ("flat", (1, 32), "reshape", Reshape((1, 32)), ["average"]),
        ("scores", (1, 10), "fully_connected", scores, ["flat"]),
        ("classes", (1, 10), "softmax", softmax(q["scores"]), ["scores"]),
    ]
    index = {name: i for i, (name, *_) in enumerate(steps)}
    return Graph(
        name="digits",
        tensors=tuple(Tensor(name, shape, "int8", q[name]) for name, shape, *_ in steps),
        nodes=tuple(
            Node(name, op, params, tuple(index[s] for s in sources), (index[name],))
            for name, _, op, params, sources in steps[1:]
        ),
        inputs=(0,),
        outputs=(index["classes"],),
    )
