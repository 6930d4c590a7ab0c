"""A small convolutional network in NumPy, forwards and backwards, for 8x8 images.

    stem    3x3 convolution, 16 channels                8x8x16
    depth1  3x3 depthwise, then wide1 1x1 to 32         8x8x32
    pool    2x2 maximum                                 4x4x32
    depth2  3x3 depthwise, then wide2 1x1, added to
            what went in                                4x4x32
    average over the image, then 10 scores              10

Every layer function returns its output and a function from the gradient of the output to those of
its arguments. Activations are NHWC, weights as qembed keeps them: OHWI, HWO for depthwise, OI.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CHANNELS, WIDE, CLASSES = 16, 32, 10


def initial_weights(rng):
    """Weights and biases by layer name: He initialization, float32."""
    shapes = {
        "stem": (CHANNELS, 3, 3, 1),
        "depth1": (3, 3, CHANNELS),
        "wide1": (WIDE, 1, 1, CHANNELS),
        "depth2": (3, 3, WIDE),
        "wide2": (WIDE, 1, 1, WIDE),
        "scores": (CLASSES, WIDE),
    }
    weights = {}
    for name, shape in shapes.items():
        depthwise = name.startswith("depth")
        fan_in = 9 if depthwise else np.prod(shape[1:])
        channels = shape[-1] if depthwise else shape[0]
        weights[name] = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        weights[name + ".bias"] = np.zeros(channels, np.float32)
    return weights


def forward(weights, x):
    """Return every activation by name, and a function from score gradients to weight gradients."""
    tape, values = [], {"image": x}

    def layer(name, function, source, *parameters):
        values[name], back = function(
            *[values[s] for s in source], *[weights[p] for p in parameters]
        )
        tape.append((name, source, parameters, back))

    layer("stem", conv_relu, ["image"], "stem", "stem.bias")
    layer("depth1", depthwise_relu, ["stem"], "depth1", "depth1.bias")
    layer("wide1", conv_relu, ["depth1"], "wide1", "wide1.bias")
    layer("pool", max_pool, ["wide1"])
    layer("depth2", depthwise_relu, ["pool"], "depth2", "depth2.bias")
    layer("wide2", conv, ["depth2"], "wide2", "wide2.bias")
    layer("sum", add_relu, ["pool", "wide2"])
    layer("average", average_pool, ["sum"])
    layer("scores", fully_connected, ["average"], "scores", "scores.bias")

    def backward(gradient):
        flowing, gradients = {"scores": gradient}, {}
        for name, source, parameters, back in reversed(tape):
            parts = back(flowing.pop(name))
            for key, part in zip(source, parts, strict=False):
                flowing[key] = flowing.get(key, 0) + part
            gradients |= dict(zip(parameters, parts[len(source) :], strict=True))
        return gradients

    return values, backward


def windows(x, size):
    """Return views of what a size x size window sees around each pixel: (N, H, W, C, KH, KW)."""
    edge = size // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    return sliding_window_view(padded, (size, size), axis=(1, 2))


def conv(x, w, b):
    seen = windows(x, w.shape[1])
    y = np.tensordot(seen, w, ([3, 4, 5], [3, 1, 2])) + b

    def back(dy):
        dw = np.tensordot(dy, seen, ([0, 1, 2], [0, 1, 2])).transpose(0, 2, 3, 1)
        dx = np.tensordot(windows(dy, w.shape[1]), w[:, ::-1, ::-1], ([3, 4, 5], [0, 1, 2]))
        return dx, dw, dy.sum((0, 1, 2))

    return y, back


def depthwise(x, w, b):
    seen = windows(x, 3)
    y = np.einsum("nhwckl,klc->nhwc", seen, w) + b

    def back(dy):
        dw = np.einsum("nhwckl,nhwc->klc", seen, dy)
        dx = np.einsum("nhwckl,klc->nhwc", windows(dy, 3), w[::-1, ::-1])
        return dx, dw, dy.sum((0, 1, 2))

    return y, back


def with_relu(function):
    def both(*arguments):
        y, back = function(*arguments)
        return np.maximum(y, 0), lambda dy: back(dy * (y > 0))

    return both


def add(x1, x2):
    return x1 + x2, lambda dy: (dy, dy)


def max_pool(x):
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // 2, 2, w // 2, 2, c)
    y = blocks.max((2, 4))
    largest = blocks == y[:, :, None, :, None]

    def back(dy):
        share = largest / largest.sum((2, 4), keepdims=True)
        return ((share * dy[:, :, None, :, None]).reshape(x.shape).astype(x.dtype),)

    return y, back


def average_pool(x):
    pixels = x.shape[1] * x.shape[2]
    return x.mean((1, 2)), lambda dy: (np.broadcast_to(dy[:, None, None] / pixels, x.shape),)


def fully_connected(x, w, b):
    return x @ w.T + b, lambda dy: (dy @ w, dy.T @ x, dy.sum(0))


conv_relu, depthwise_relu, add_relu = with_relu(conv), with_relu(depthwise), with_relu(add)


def softmax_loss(scores, labels):
    """Return the mean cross entropy and its gradient."""
    shifted = scores - scores.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    rows = np.arange(len(labels))
    gradient = np.exp(logs)
    gradient[rows, labels] -= 1
    return -logs[rows, labels].mean(), gradient / len(labels)
