"""Graphs of one random layer for the Helium kernels, small enough for hundreds on one board."""

from __future__ import annotations

import numpy as np

from qembed.arithmetic import Requantization
from qembed.ir import Tensor
from qembed.ops.add import Add
from qembed.ops.average_pool import AveragePool
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.mul import Mul
from support import fast_layers
from support.draw import choice, integer
from support.layers import graph


def learned(rng, shape, taps: int, channels: int) -> dict:
    """As `fast_layers.learned`; now and then channels that are hardly shifted, or not at all."""
    found = fast_layers.learned(rng, shape, taps, channels)
    if rng.random() < 0.5:
        found |= fast_layers.halves(rng, shape, taps, channels)
        multiplier = found["requantization"].multiplier
        shift = -choice(rng, (rng.integers(0, 3, channels), np.zeros(channels)))
        found["requantization"] = Requantization(multiplier, shift.astype(np.int32))
        found["output_zero_point"] = integer(rng, -20, 20)
        found["activation_range"] = choice(rng, ((-128, 127), (-60, 127), (-90, 70)))
    return found


def pointwise(rng):
    in_c, out_c = integer(rng, 1, 40), integer(rng, 1, 12)
    shape = (1, integer(rng, 1, 6), integer(rng, 1, 6), in_c)
    params = Conv(
        stride=(1, 1), padding=((0, 0), (0, 0)), **learned(rng, (out_c, 1, 1, in_c), in_c, out_c)
    )
    return graph("conv", params, [Tensor("x", shape, "int8")]), [fast_layers.image(rng, shape)]


def conv_of_vectors(rng):
    """Channels in whole vectors of 16."""
    dilated = rng.random() < 0.4
    kernel = integer(rng, 1 + dilated, 3), integer(rng, 1 + dilated, 3)
    in_c, out_c = 16 * integer(rng, 1, 2), integer(rng, 1, 9)
    pad = tuple((integer(rng, 0, k - 1), integer(rng, 0, k - 1)) for k in kernel)
    dilation = (integer(rng, 1, 2), integer(rng, 1, 2)) if dilated else (1, 1)
    size = [(k - 1) * d + 1 + integer(rng, 0, 4) for k, d in zip(kernel, dilation, strict=True)]
    params = Conv(
        stride=(integer(rng, 1, 2), integer(rng, 1, 2)),
        padding=pad,
        dilation=dilation,
        **learned(rng, (out_c, *kernel, in_c), kernel[0] * kernel[1] * in_c, out_c),
    )
    shape = (1, *size, in_c)
    return graph("conv", params, [Tensor("x", shape, "int8")]), [fast_layers.image(rng, shape)]


def depthwise(rng, kernel, channels, stride, width, dilation=(1, 1)):
    pad = tuple((integer(rng, 0, k - 1), integer(rng, 0, k - 1)) for k in kernel)
    height = (kernel[0] - 1) * dilation[0] + 1 + integer(rng, 0, 5)
    shape = (1, height, (kernel[1] - 1) * dilation[1] + 1 + width, channels)
    params = DepthwiseConv(
        stride=stride,
        padding=pad,
        dilation=dilation,
        **learned(rng, (*kernel, channels), kernel[0] * kernel[1], channels),
    )
    made = graph("depthwise_conv", params, [Tensor("x", shape, "int8")])
    return made, [fast_layers.image(rng, shape)]


def depthwise_3x3(rng):
    """Now and then more channels than a strip has, or more columns."""
    channels = choice(rng, (integer(rng, 2, 9), integer(rng, 15, 34)))
    wide = channels < 10 and rng.random() < 0.3
    width = integer(rng, 20, 50) if wide else integer(rng, 0, 7)
    return depthwise(rng, (3, 3), channels, choice(rng, ((1, 1), (2, 2))), width)


def depthwise_any(rng):
    kernel = choice(rng, ((5, 5), (2, 3), (1, 4), (3, 3)))
    stride = (1, 2) if kernel == (3, 3) else (integer(rng, 1, 3), integer(rng, 1, 3))
    dilation = choice(rng, ((1, 1), (integer(rng, 1, 2), integer(rng, 1, 2))))
    return depthwise(rng, kernel, integer(rng, 2, 21), stride, integer(rng, 0, 5), dilation)


def fully_connected(rng):
    """Inputs in whole vectors or not; scales for all outputs or for each."""
    inputs = choice(rng, (integer(rng, 1, 40), 16 * integer(rng, 1, 4)))
    outputs = integer(rng, 1, 14)
    by = learned(rng, (outputs, inputs), inputs, outputs)
    if rng.random() < 0.5:
        scale = by["requantization"]
        by["requantization"] = Requantization(scale.multiplier[:1], scale.shift[:1], scale.rounding)
    shape = (choice(rng, (1, 1, 2, 3)), inputs)
    made = graph("fully_connected", FullyConnected(**by), [Tensor("x", shape, "int8")])
    return made, [fast_layers.image(rng, shape)]


def add_with_ties(rng):
    """Half of the sum: every other output is a tie, which no plane rounds like the definition."""
    half, shift = np.array([1 << 30], np.int32), -19 - integer(rng, 0, 1)
    params = Add(
        left_shift=20,
        requantization1=Requantization(half, np.array([0], np.int32)),
        requantization2=Requantization(half, np.array([0], np.int32)),
        output_requantization=Requantization(half, np.array([shift], np.int32)),
        input1_zero_point=integer(rng, -9, 9),
        input2_zero_point=integer(rng, -9, 9),
        output_zero_point=integer(rng, -9, 9),
        activation_range=choice(rng, ((-128, 127), (-40, 100))),
    )
    shape = (1, integer(rng, 1, 5), integer(rng, 1, 5), integer(rng, 1, 5))
    tensors = [Tensor("x1", shape, "int8"), Tensor("x2", shape, "int8")]
    return graph("add", params, tensors), [fast_layers.image(rng, shape) for _ in tensors]


def mul(rng):
    """Outputs of some tens of steps; or small inputs and a scale that makes ties of products."""
    small = rng.random() < 0.6
    real = rng.choice([0.5, 0.25]) if small else rng.uniform(10, 60) / 74.0**2
    mantissa, exponent = np.frexp(real)
    multiplier = np.array([min(int(mantissa * 2.0**31), 2**31 - 1)], np.int32)
    reach = 5 if small else 99
    params = Mul(
        requantization=Requantization(multiplier, np.array([exponent], np.int32)),
        input1_zero_point=integer(rng, -reach, reach),
        input2_zero_point=integer(rng, -reach, reach),
        output_zero_point=integer(rng, -reach, reach),
        activation_range=choice(rng, ((-128, 127), (-60, 70))),
    )
    shape = (1, integer(rng, 1, 5), integer(rng, 1, 5), integer(rng, 1, 5))
    tensors = [Tensor("x1", shape, "int8"), Tensor("x2", shape, "int8")]
    inputs = [fast_layers.image(rng, shape) >> (4 if small else 0) for _ in tensors]
    return graph("mul", params, tensors), inputs


def average_pool(rng):
    """Windows of one pixel, of a few and of 256."""
    window = choice(rng, ((1, 1), (integer(rng, 1, 5), integer(rng, 1, 5)), (16, 16)))
    shape = (1, *(n + integer(rng, 0, 3) for n in window), integer(rng, 1, 21))
    params = AveragePool(
        window=window,
        stride=(integer(rng, 1, 3), integer(rng, 1, 3)),
        padding=tuple((integer(rng, 0, (n - 1) // 2), integer(rng, 0, n // 2)) for n in window),
        activation_range=choice(rng, ((-128, 127), (-20, 100))),
    )
    made = graph("average_pool", params, [Tensor("x", shape, "int8")])
    return made, [fast_layers.image(rng, shape)]


HELIUM_LAYERS = {
    "qe_add_mve": add_with_ties,
    "qe_add_plane_mve": fast_layers.add,
    "qe_average_pool_mve": average_pool,
    "qe_conv_1x1_mve": pointwise,
    "qe_conv_gather_mve": fast_layers.conv,
    "qe_conv_mve": conv_of_vectors,
    "qe_depthwise_conv_3x3_mve": depthwise_3x3,
    "qe_depthwise_conv_mve": depthwise_any,
    "qe_fully_connected_mve": fully_connected,
    "qe_fully_connected_padded_mve": fully_connected,
    "qe_mul_mve": mul,
}
"""By the kernel that runs most of them."""
