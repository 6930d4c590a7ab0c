"""Graphs of one random layer as trained networks have them: what tuned kernels are made for.

`support.layers` draws from all that is valid, most of which runs on portable kernels.
"""

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
from qembed.validate import validate
from support.draw import choice, integer
from support.layers import graph, values, zero_point

SAMPLES = 2


def requantization(rng, channels: int, sums: float) -> Requantization:
    """Outputs of some tens of steps; now and then a channel that is nearly constant, or flushed."""
    real = rng.uniform(10, 60, channels) / max(sums, 1.0)
    extreme = rng.choice([2.0**-16.9, 2.0**-10, 0.2, 0.499], channels)
    real = np.where(rng.random(channels) < 0.1, extreme, np.minimum(real, 0.499))
    mantissa, exponent = np.frexp(real)
    multiplier = np.clip((mantissa * 2.0**31).astype(np.int64), 1 << 30, (1 << 31) - 1)
    special = rng.choice([0, 1 << 30, (1 << 31) - 1], channels)
    multiplier = np.where(rng.random(channels) < 0.1, special, multiplier)
    rounding = choice(rng, ("double", "double", "double", "single"))
    return Requantization(multiplier.astype(np.int32), exponent.astype(np.int32), rounding)


def output(rng) -> dict:
    """Zero point and clamp: full range, ReLU from -128, ReLU from another zero point, ReLU6."""
    zero = choice(rng, (-128, zero_point(rng, "int8")))
    bounds = choice(rng, ((-128, 127), (zero, 127), (max(zero, -100), max(zero, 100))))
    return {"output_zero_point": zero, "activation_range": bounds}


def learned(rng, shape, taps: int, channels: int) -> dict:
    """Parameters of a layer that sums products; `shape` is that of its weights."""
    shared = {"input_zero_point": zero_point(rng, "int8"), **output(rng)}
    if rng.random() < 0.25:
        return {**shared, **halves(rng, shape, taps, channels)}
    sums = 74.0 * 74.0 * np.sqrt(taps)
    return {
        "weights": weights(rng, shape),
        "bias": rng.integers(-int(sums), int(sums) + 1, channels).astype(np.int32),
        "requantization": requantization(rng, channels, sums),
        **shared,
    }


def halves(rng, shape, taps: int, channels: int) -> dict:
    """Small sums divided by small powers of two: many outputs are ties."""
    right = np.ceil(np.log2(np.sqrt(taps))) + rng.integers(1, 3, channels)
    return {
        "weights": rng.integers(-1, 2, shape).astype(np.int8),
        "bias": rng.integers(-99, 100, channels).astype(np.int32),
        "requantization": Requantization(
            np.full(channels, 1 << 30, np.int32), -right.astype(np.int32)
        ),
    }


def weights(rng, shape) -> np.ndarray:
    """Symmetric, as trained: -127 to 127, sometimes with -128 where the kernels allow it."""
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(np.array([-127, 127, 0], np.int8), shape)
    drawn = rng.integers(-127, 128, shape).astype(np.int8)
    if kind < 0.5 and shape[-1] % 2 == 0:
        drawn[..., 1::2] = rng.choice(np.array([-128, 127], np.int8), drawn[..., 1::2].shape)
        drawn[..., 0::2] = np.maximum(drawn[..., 0::2], -127)
    return drawn


def image(rng, shape) -> np.ndarray:
    return values(rng, (SAMPLES, *shape), "int8")


def conv(rng):
    kernel = choice(rng, ((1, 1), (3, 3), (integer(rng, 1, 5), integer(rng, 1, 5))))
    in_c, out_c = integer(rng, 1, 21), integer(rng, 1, 9)
    pad = [(integer(rng, 0, k - 1), integer(rng, 0, k - 1)) for k in kernel]
    shape = (1, kernel[0] + integer(rng, 0, 7), kernel[1] + integer(rng, 0, 7), in_c)
    dilated = rng.random() < 0.2
    params = Conv(
        stride=(integer(rng, 1, 3), integer(rng, 1, 3)),
        padding=(pad[0], pad[1]),
        dilation=(integer(rng, 1, 2), integer(rng, 1, 2)) if dilated else (1, 1),
        **learned(rng, (out_c, *kernel, in_c), kernel[0] * kernel[1] * in_c, out_c),
    )
    if dilated:
        shape = (1, shape[1] + kernel[0], shape[2] + kernel[1], in_c)
    return graph("conv", params, [Tensor("x", shape, "int8")]), [image(rng, shape)]


def pointwise(rng):
    in_c, out_c = integer(rng, 1, 40), integer(rng, 1, 12)
    shape = (1, integer(rng, 1, 6), integer(rng, 1, 6), in_c)
    params = _pointwise(rng, in_c, out_c)
    return graph("conv", params, [Tensor("x", shape, "int8")]), [image(rng, shape)]


def depthwise_conv(rng):
    kernel = choice(rng, ((3, 3), (3, 3), (integer(rng, 1, 5), integer(rng, 1, 5))))
    in_c, times = integer(rng, 1, 5), choice(rng, (1, 1, 2, 3))
    tall = 40 if rng.random() < 0.2 else 0  # more rows than a window holds
    pad = [(integer(rng, 0, k - 1), integer(rng, 0, k - 1)) for k in kernel]
    shape = (1, kernel[0] + integer(rng, 0, 7) + tall, kernel[1] + integer(rng, 0, 9), in_c)
    dilated = rng.random() < 0.15
    stride = integer(rng, 1, 3), integer(rng, 1, 3)
    params = DepthwiseConv(
        stride=stride if rng.random() < 0.7 else (1, 1),
        padding=(pad[0], pad[1]),
        dilation=(integer(rng, 1, 2), integer(rng, 1, 2)) if dilated else (1, 1),
        **learned(rng, (*kernel, in_c * times), kernel[0] * kernel[1], in_c * times),
    )
    if dilated:
        shape = (1, shape[1] + kernel[0], shape[2] + kernel[1], in_c)
    return graph("depthwise_conv", params, [Tensor("x", shape, "int8")]), [image(rng, shape)]


def fully_connected(rng):
    inputs, outputs = (
        choice(rng, (integer(rng, 1, 70), 4 * integer(rng, 1, 30))),
        integer(rng, 1, 30),
    )
    by = learned(rng, (outputs, inputs), inputs, outputs)
    if rng.random() < 0.5:
        scale = by["requantization"]
        by["requantization"] = Requantization(scale.multiplier[:1], scale.shift[:1], scale.rounding)
    params = FullyConnected(**by)
    shape = (choice(rng, (1, 1, 2)), inputs)
    return graph("fully_connected", params, [Tensor("x", shape, "int8")]), [image(rng, shape)]


def half(rng, exact: bool) -> Requantization:
    """Scale of an operand of ADD: one half, or less."""
    multiplier, shift = 1 << 30, 0
    if not exact:
        multiplier, shift = int(rng.integers(1 << 30, 1 << 31)), -integer(rng, 1, 9)
    return Requantization(np.array([multiplier], np.int32), np.array([shift], np.int32))


def add(rng):
    kind = rng.random()
    exact = (True, True) if kind < 0.1 else (kind < 0.5, kind >= 0.5)
    multiplier, shift = int(rng.integers(1 << 30, 1 << 31)), -integer(rng, 16, 20)
    if rng.random() < 0.2:  # a quarter of the sum: every fourth is a tie
        exact, multiplier, shift = (True, True), 1 << 30, -20
    params = Add(
        left_shift=20,
        requantization1=half(rng, exact[0]),
        requantization2=half(rng, exact[1]),
        output_requantization=Requantization(
            np.array([multiplier], np.int32), np.array([shift], np.int32)
        ),
        input1_zero_point=zero_point(rng, "int8"),
        input2_zero_point=zero_point(rng, "int8"),
        **output(rng),
    )
    shape = (1, integer(rng, 1, 5), integer(rng, 1, 5), integer(rng, 1, 5))
    tensors = [Tensor("x1", shape, "int8"), Tensor("x2", shape, "int8")]
    return graph("add", params, tensors), [image(rng, shape), image(rng, shape)]


def average_pool(rng):
    window = choice(rng, ((integer(rng, 1, 9), integer(rng, 1, 9)), (16, 16), (8, 8)))
    shape = (
        1,
        window[0] + choice(rng, (0, integer(rng, 0, 6))),
        window[1] + choice(rng, (0, integer(rng, 0, 6))),
        integer(rng, 1, 11),
    )
    params = AveragePool(
        window=window,
        stride=(integer(rng, 1, 3), integer(rng, 1, 3)),
        padding=tuple((integer(rng, 0, (n - 1) // 2), integer(rng, 0, n // 2)) for n in window),
        activation_range=output(rng)["activation_range"],
    )
    return graph("average_pool", params, [Tensor("x", shape, "int8")]), [image(rng, shape)]


FAST_LAYERS = {
    "add": add,
    "average_pool": average_pool,
    "fully_connected": fully_connected,
    "conv": conv,
    "pointwise": pointwise,
    "depthwise_conv": depthwise_conv,
}


def separable(rng):
    """Pointwise, depthwise, pointwise: the chain that runs in planes where kernels like that."""
    shape = (1, integer(rng, 3, 12), integer(rng, 3, 12), 4 * integer(rng, 1, 4))
    middle, last = integer(rng, 5, 12), integer(rng, 1, 6)
    layers = [
        ("conv", _pointwise(rng, shape[3], middle)),
        (
            "depthwise_conv",
            DepthwiseConv(
                stride=choice(rng, ((1, 1), (2, 2))),
                padding=((1, 1), (1, 1)),
                **learned(rng, (3, 3, middle), 9, middle),
            ),
        ),
        ("conv", _pointwise(rng, middle, last)),
    ]
    tensors = [Tensor("x", shape, "int8")]
    nodes = []
    for n, (op, params) in enumerate(layers):
        nodes.append(Node(str(n), op, params, (n,), (n + 1,)))
        ((out_shape, dtype),) = OPERATORS[op].infer(params, tensors[-1])
        tensors.append(Tensor(f"y{n}", out_shape, dtype))
    made = Graph("separable", tuple(tensors), tuple(nodes), (0,), (len(layers),))
    validate(made)
    return made, [image(rng, shape)]


def _pointwise(rng, in_c: int, out_c: int) -> Conv:
    return Conv(
        stride=(1, 1),
        padding=((0, 0), (0, 0)),
        **learned(rng, (out_c, 1, 1, in_c), in_c, out_c),
    )


def kinds_of(tuned) -> list[str]:
    """Kinds of layers of the operators that a variant has kernels for."""
    return [kind for kind in FAST_LAYERS if (kind if kind != "pointwise" else "conv") in tuned]
