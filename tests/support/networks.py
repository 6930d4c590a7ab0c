"""Random networks: images through branches of convolutions, pooling and sums, to a few classes."""

from __future__ import annotations

import numpy as np

from qembed.arithmetic import Requantization
from qembed.ir import Graph, Node, Tensor
from qembed.ops import OPERATORS
from qembed.ops.add import Add
from qembed.ops.average_pool import AveragePool
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.max_pool import MaxPool
from qembed.ops.mean import Mean
from qembed.ops.reshape import Reshape
from qembed.validate import validate
from support.draw import choice, integer

Rng = np.random.Generator
RANGE = (-128, 127)


class Builder:
    """Tensors and nodes of a graph that grows."""

    def __init__(self, shape) -> None:
        self.tensors = [Tensor("image", shape, "int8")]
        self.nodes: list[Node] = []

    def add(self, op, params, *inputs: int) -> int:
        """Append a node; returns its output."""
        ((shape, dtype),) = OPERATORS[op].infer(params, *(self.tensors[i] for i in inputs))
        self.tensors.append(Tensor(f"t{len(self.tensors)}", shape, dtype))
        index = len(self.tensors) - 1
        self.nodes.append(Node(f"n{len(self.nodes)}", op, params, inputs, (index,)))
        return index

    def shape(self, index: int):
        return self.tensors[index].shape


def network(seed: int) -> Graph:
    """A network of about ten layers; the same seed gives the same one."""
    rng = np.random.default_rng(seed)
    size = integer(rng, 4, 14), integer(rng, 4, 14)
    graph = Builder((1, *size, choice(rng, (1, 2, 3, 8))))
    images = [0]
    for _ in range(integer(rng, 4, 9)):
        # Mostly the newest image, so that the network is deep; sometimes an older one: a branch.
        source = images[-1] if rng.random() < 0.75 else choice(rng, images)
        layer = choice(rng, (convolution, convolution, depthwise, depthwise, pool, join))
        images.append(layer(rng, graph, source))
    outputs = [head(rng, graph, images[-1])]
    if rng.random() < 0.3:
        outputs.append(images[-2])
    return validate(
        Graph(f"net {seed}", tuple(graph.tensors), tuple(graph.nodes), (0,), tuple(outputs))
    )


def sums(rng: Rng, weights, channels: int, taps: int) -> dict:
    """Parameters of a layer that sums products; outputs spread over the whole range."""
    right = 1 + int(np.log2(64 * 64 * np.sqrt(taps) / 60))
    return {
        "weights": weights,
        "bias": rng.integers(-2000, 2000, channels).astype(np.int32),
        "requantization": requantization(rng, channels, right),
        "input_zero_point": integer(rng, -128, 127),
        "output_zero_point": integer(rng, -60, 60),
        "activation_range": choice(rng, (RANGE, RANGE, (-20, 90))),
    }


def requantization(rng: Rng, channels: int, right: int) -> Requantization:
    multiplier = rng.integers(1 << 30, 1 << 31, channels).astype(np.int32)
    shift = -rng.integers(right - 1, right + 2, channels).astype(np.int32)
    return Requantization(multiplier, np.minimum(shift, 0).astype(np.int32))


def windows(rng: Rng, kernel) -> dict:
    stride = choice(rng, ((1, 1), (1, 1), (2, 2), (1, 2)))
    padding = tuple(((k - 1) // 2, k // 2) for k in kernel)
    return {"stride": stride, "padding": choice(rng, (padding, padding, ((0, 0), (0, 0))))}


def kernel_for(rng: Rng, shape) -> tuple[int, int]:
    kernel = choice(rng, ((1, 1), (1, 1), (3, 3), (3, 3), (2, 2), (5, 3)))
    return min(kernel[0], shape[1]), min(kernel[1], shape[2])


def convolution(rng: Rng, graph: Builder, source: int) -> int:
    shape = graph.shape(source)
    kernel = kernel_for(rng, shape)
    channels = choice(rng, (shape[3], 2 * shape[3], 4, 8, integer(rng, 1, 20)))
    weights = rng.integers(-127, 128, (channels, *kernel, shape[3])).astype(np.int8)
    taps = kernel[0] * kernel[1] * shape[3]
    params = Conv(**sums(rng, weights, channels, taps), **windows(rng, kernel))
    return graph.add("conv", params, source)


def depthwise(rng: Rng, graph: Builder, source: int) -> int:
    shape = graph.shape(source)
    kernel = kernel_for(rng, shape)
    channels = shape[3] * choice(rng, (1, 1, 1, 2))
    weights = rng.integers(-127, 128, (*kernel, channels)).astype(np.int8)
    params = DepthwiseConv(
        **sums(rng, weights, channels, kernel[0] * kernel[1]), **windows(rng, kernel)
    )
    return graph.add("depthwise_conv", params, source)


def pool(rng: Rng, graph: Builder, source: int) -> int:
    op, kind = choice(rng, (("average_pool", AveragePool), ("max_pool", MaxPool)))
    window = kernel_for(rng, graph.shape(source))
    return graph.add(
        op, kind(window=window, activation_range=RANGE, **windows(rng, window)), source
    )


def join(rng: Rng, graph: Builder, source: int) -> int:
    """Add the newest image of the same shape, or the image to itself."""
    same = [
        i
        for i, t in enumerate(graph.tensors)
        if t.shape == graph.shape(source) and i != source and t.dtype == "int8"
    ]
    half = Requantization(np.array([1 << 30], np.int32), np.array([-1], np.int32))
    back = Requantization(np.array([1 << 30], np.int32), np.array([-18], np.int32))
    params = Add(20, half, half, back, 3, -5, 0, RANGE)
    return graph.add("add", params, source, choice(rng, same) if same else source)


def head(rng: Rng, graph: Builder, source: int) -> int:
    """Average or flatten, then classify."""
    if rng.random() < 0.5:
        by = Requantization(np.array([1 << 30], np.int32), np.array([-2], np.int32))
        flat = graph.add("mean", Mean((1, 2), False, by, 0, 0), source)
    else:
        size = int(np.prod(graph.shape(source)))
        flat = graph.add("reshape", Reshape((1, size)), source)
    inputs = graph.shape(flat)[1]
    weights = rng.integers(-127, 128, (7, inputs)).astype(np.int8)
    return graph.add("fully_connected", FullyConnected(**sums(rng, weights, 7, inputs)), flat)
