"""Small float networks with what makes quantization hard: uneven channels, residuals, pools."""

from __future__ import annotations

import numpy as np

from qembed.floats import FLOAT_OPERATORS, PROFILE
from qembed.floats.binary import Binary
from qembed.floats.conv import Conv
from qembed.floats.depthwise_conv import DepthwiseConv
from qembed.floats.fully_connected import FullyConnected
from qembed.floats.normalize import Normalize
from qembed.floats.pool import Pool
from qembed.ir import Graph, Node, Tensor
from qembed.ops.reshape import Reshape
from qembed.validate import validate

SHAPE = (1, 8, 8, 3)


class Builder:
    """Nodes one after the other; `node` returns the index of what it computes."""

    def __init__(self, shape=SHAPE):
        self.tensors, self.nodes = [Tensor("x", shape, "float32")], []

    def node(self, op, params, *inputs):
        ((shape, dtype),) = FLOAT_OPERATORS[op].infer(params, *(self.tensors[i] for i in inputs))
        name = f"{op}{len(self.nodes)}"
        self.tensors.append(Tensor(name, shape, dtype))
        self.nodes.append(Node(name, op, params, inputs, (len(self.tensors) - 1,)))
        return len(self.tensors) - 1

    def graph(self, output):
        graph = Graph("net", tuple(self.tensors), tuple(self.nodes), (0,), (output,), PROFILE)
        return validate(graph, FLOAT_OPERATORS)


def residual(seed=0, spread=2.0):
    """Convolutions with a branch, a depthwise one, a pool over all, a classifier."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    def conv(out, kernel, channels, activation="RELU"):
        scale = np.exp2(rng.uniform(-spread, spread, (out, 1, 1, 1))).astype(np.float32)
        weights = normal(out, kernel, kernel, channels) * scale / (kernel * np.sqrt(channels))
        edge = (kernel // 2, kernel // 2)
        bias = 0.1 * normal(out)
        return Conv(weights.astype("f4"), bias, (1, 1), (edge, edge), activation=activation)

    b = Builder()
    one = b.node("conv", conv(8, 3, 3), 0)
    two = b.node("conv", conv(8, 3, 8, "NONE"), one)
    total = b.node("binary", Binary("add", "RELU"), one, two)
    edges = ((1, 1), (1, 1))
    deep = DepthwiseConv(normal(3, 3, 8) / 3, normal(8) / 5, (1, 1), edges, activation="RELU")
    depth = b.node("depthwise_conv", deep, total)
    pooled = b.node("pool", Pool("average", (8, 8), (8, 8), ((0, 0), (0, 0))), depth)
    flat = b.node("reshape", Reshape((1, 8)), pooled)
    logits = b.node("fully_connected", FullyConnected(normal(5, 8), normal(5)), flat)
    return b.graph(b.node("normalize", Normalize("softmax"), logits))


def samples(count, seed=1, shape=SHAPE):
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)
