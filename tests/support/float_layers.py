"""Random float layers, one graph of one node each."""

from __future__ import annotations

from typing import Any

import numpy as np

from qembed.floats import FLOAT_OPERATORS, PROFILE
from qembed.floats.batch_matmul import BatchMatmul
from qembed.floats.binary import FUNCTIONS as BINARY
from qembed.floats.binary import Binary
from qembed.floats.conv import Conv
from qembed.floats.depthwise_conv import DepthwiseConv
from qembed.floats.fully_connected import FullyConnected
from qembed.floats.normalize import CODES as NORMALIZE
from qembed.floats.normalize import Normalize
from qembed.floats.pad import Pad
from qembed.floats.pool import Pool
from qembed.floats.prelu import Prelu
from qembed.floats.reduce import FUNCTIONS as REDUCE
from qembed.floats.reduce import Reduce
from qembed.floats.requantize import Requantize
from qembed.floats.resize import Resize
from qembed.floats.transpose_conv import TransposeConv
from qembed.floats.unary import FUNCTIONS as UNARY
from qembed.floats.unary import Unary
from qembed.ir import Graph, Node, Tensor
from qembed.numerics import window_padding
from qembed.ops.broadcast_to import BroadcastTo
from qembed.ops.concatenation import Concatenation
from qembed.ops.gather import Gather
from qembed.ops.mirror_pad import MirrorPad
from qembed.ops.reshape import Reshape
from qembed.ops.strided_slice import StridedSlice
from qembed.ops.transpose import Transpose
from qembed.validate import validate

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


def single(op: str, params: Any, *shapes: tuple[int, ...], constants: Any = ()) -> Graph:
    """A graph of one node; `constants` follow the inputs."""
    tensors = [Tensor(f"x{i}", shape, "float32") for i, shape in enumerate(shapes)]
    inputs = tuple(range(len(tensors)))
    tensors += [Tensor("c", c.shape, "float32", data=c) for c in constants]
    ((shape, dtype),) = FLOAT_OPERATORS[op].infer(params, *tensors)
    node = Node("y", op, params, tuple(range(len(tensors))), (len(tensors),))
    tensors.append(Tensor("y", shape, dtype))
    graph = Graph("layer", tuple(tensors), (node,), inputs, (len(tensors) - 1,), PROFILE)
    return validate(graph, FLOAT_OPERATORS)


def _normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def _image(rng):
    return (1, *(int(n) for n in rng.integers(4, 9, 3)))


def _geometry(rng, shape, kernel, named):
    stride = tuple(int(n) for n in rng.integers(1, 3, 2))
    scheme = rng.choice(["SAME", "VALID"])
    pairs = [window_padding(scheme, shape[1 + i], kernel[i], stride[i], 1) for i in (0, 1)]
    if not named and rng.integers(2):
        pairs = [tuple(int(n) for n in rng.integers(0, kernel[i], 2)) for i in (0, 1)]
    return {"stride": stride, "padding": tuple(pairs), "activation": rng.choice(ACTIVATIONS)}


def _kernel(rng):
    return tuple(int(n) for n in rng.integers(1, 4, 2))


def conv(rng):
    shape, kernel, out = _image(rng), _kernel(rng), 2 * int(rng.integers(1, 4))
    groups = 2 if shape[3] % 2 == 0 and rng.integers(2) else 1
    weights = _normal(rng, out, *kernel, shape[3] // groups)
    params = Conv(weights, _normal(rng, out), **_geometry(rng, shape, kernel, False))
    return single("conv", params, shape)


def depthwise_conv(rng):
    shape, kernel = _image(rng), _kernel(rng)
    out = shape[3] * int(rng.integers(1, 3))
    geometry = _geometry(rng, shape, kernel, False)
    params = DepthwiseConv(_normal(rng, *kernel, out), _normal(rng, out), **geometry)
    return single("depthwise_conv", params, shape)


def fully_connected(rng):
    rows, width, out = (int(n) for n in rng.integers(1, 6, 3))
    keep = bool(rng.integers(2))
    params = FullyConnected(_normal(rng, out, width), _normal(rng, out), "RELU", keep)
    return single("fully_connected", params, (1, rows, width) if keep else (rows, width))


def transpose_conv(rng):
    shape, kernel, out = _image(rng), (3, 3), int(rng.integers(1, 4))
    size = (2 * shape[1], 2 * shape[2])
    offset = tuple(window_padding("SAME", n, 3, 2, 1)[0] for n in size)
    weights = _normal(rng, out, *kernel, shape[3])
    params = TransposeConv(weights, np.zeros(out, np.float32), size, (2, 2), offset)
    return single("transpose_conv", params, shape)


def pool(rng):
    function, shape, window = rng.choice(["average", "max"]), _image(rng), _kernel(rng)
    geometry = _geometry(rng, shape, window, function == "average")
    return single("pool", Pool(function, window, **geometry), shape)


def reduce(rng):
    axes = tuple(sorted({int(n) for n in rng.integers(1, 4, 2)}))
    params = Reduce(rng.choice([*REDUCE]), axes, bool(rng.integers(2)))
    return single("reduce", params, _image(rng))


def binary(rng):
    function, shape = rng.choice([*BINARY]), _image(rng)
    fused = function in ("add", "sub", "mul")
    params = Binary(function, rng.choice(ACTIVATIONS) if fused else "NONE")
    if function == "div" or rng.integers(2):
        return single("binary", params, shape, constants=[1 + rng.random(shape[3:], np.float32)])
    return single("binary", params, shape, shape)


def unary(rng):
    function = rng.choice([name for name in UNARY if name != "rsqrt"])
    alpha = float(np.float32(0.1)) if function == "leaky_relu" else 0.0
    return single("unary", Unary(function, alpha), _image(rng))


def normalize(rng):
    return single("normalize", Normalize(rng.choice([*NORMALIZE])), (2, int(rng.integers(2, 9))))


def prelu(rng):
    shape = _image(rng)
    return single("prelu", Prelu(_normal(rng, *shape[3:])), shape)


def pad(rng):
    padding = ((0, 0), *((int(a), int(b)) for a, b in rng.integers(0, 3, (3, 2))))
    return single("pad", Pad(padding, float(rng.choice([0.0, 1.5]))), _image(rng))


def resize(rng):
    function = rng.choice(["nearest", "bilinear"])
    size, corners = tuple(int(n) for n in rng.integers(1, 12, 2)), bool(rng.integers(2))
    centers = not corners and bool(rng.integers(2))
    return single("resize", Resize(function, size, corners, centers), _image(rng))


def batch_matmul(rng):
    n, k, m = (int(n) for n in rng.integers(1, 6, 3))
    one, two = (bool(n) for n in rng.integers(0, 2, 2))
    first, second = (k, n) if one else (n, k), (m, k) if two else (k, m)
    return single("batch_matmul", BatchMatmul(one, two), (2, *first), (2, *second))


def reshape(rng):
    shape = _image(rng)
    return single("reshape", Reshape((shape[3], shape[1] * shape[2])), shape)


def transpose(rng):
    order = tuple(int(n) for n in rng.permutation(4))
    return single("transpose", Transpose(order), _image(rng))


def concatenation(rng):
    shape, axis = _image(rng), int(rng.integers(1, 4))
    return single("concatenation", Concatenation(axis), shape, shape)


def strided_slice(rng):
    shape = _image(rng)
    stride = (1, *(int(n) for n in rng.choice([1, 2, -1, -2], 3)))
    size = tuple(-(-n // abs(s)) for n, s in zip(shape, stride, strict=True))
    begin = tuple(0 if s > 0 else n - 1 for n, s in zip(shape, stride, strict=True))
    return single("strided_slice", StridedSlice(begin, stride, size), shape)


def gather(rng):
    shape, axis = _image(rng), int(rng.integers(0, 4))
    indices = rng.integers(0, shape[axis], 3).astype(np.int32)
    return single("gather", Gather(axis, indices), shape)


def mirror_pad(rng):
    padding = ((0, 0), *((int(a), int(b)) for a, b in rng.integers(0, 3, (3, 2))))
    return single("mirror_pad", MirrorPad(padding, bool(rng.integers(2))), _image(rng))


def broadcast_to(rng):
    _, h, w, c = _image(rng)
    return single("broadcast_to", BroadcastTo((1, h, w, c)), (1, 1, w, c))


def requantize(rng):
    return single("requantize", Requantize(), _image(rng))


MAKERS = {
    maker.__name__: maker
    for maker in (
        batch_matmul,
        binary,
        broadcast_to,
        concatenation,
        conv,
        depthwise_conv,
        fully_connected,
        gather,
        mirror_pad,
        normalize,
        pad,
        pool,
        prelu,
        reduce,
        requantize,
        reshape,
        resize,
        strided_slice,
        transpose,
        transpose_conv,
        unary,
    )
}
