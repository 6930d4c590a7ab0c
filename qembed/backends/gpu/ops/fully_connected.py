"""FULLY_CONNECTED: a convolution of single pixels; every row of the input is a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops import conv
from qembed.ir import Tensor
from qembed.ops.conv import Conv
from qembed.ops.fully_connected import FullyConnected


def lower(
    params: FullyConnected, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    out_c, in_c = params.weights.shape
    rows = inputs[0].nbytes // (in_c * (1 if inputs[0].dtype == "int8" else 2))
    x = replace(inputs[0], shape=(1, 1, rows, in_c), data=None)
    y = replace(outputs[0], shape=(1, 1, rows, out_c))
    return conv.lower(
        Conv(
            weights=params.weights.reshape(out_c, 1, 1, in_c),
            bias=params.bias,
            requantization=params.requantization,
            stride=(1, 1),
            padding=((0, 0), (0, 0)),
            input_zero_point=params.input_zero_point,
            output_zero_point=params.output_zero_point,
            activation_range=params.activation_range,
        ),
        [x],
        [y],
    )
