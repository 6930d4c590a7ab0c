"""From operators of the file to nodes: one module each, and this table of them.

``convert(op, numerics)`` returns the steps that compute the operator's outputs, or raises a
QembedError that says what about it cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable

from qembed.importers.tflite.ops import (
    add,
    concatenation,
    conv,
    depthwise_conv,
    dequantize,
    extremum,
    fully_connected,
    lookup,
    mean,
    moves,
    mul,
    pad,
    pools,
    quantize,
    reshape,
    softmax,
    strided_slice,
    transpose,
)
from qembed.importers.tflite.reader import Operator
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics

CONVERTERS: dict[str, Callable[[Operator, Numerics], list[Step]]] = {
    "ADD": add.convert,
    "ARG_MAX": extremum.convert_arg,
    "ARG_MIN": extremum.convert_arg,
    "AVERAGE_POOL_2D": pools.convert_average,
    "BATCH_TO_SPACE_ND": transpose.convert_batch_to_space,
    "BROADCAST_TO": moves.convert_broadcast_to,
    "CONCATENATION": concatenation.convert,
    "CONV_2D": conv.convert,
    "DEPTHWISE_CONV_2D": depthwise_conv.convert,
    "DEPTH_TO_SPACE": transpose.convert_depth_to_space,
    "DEQUANTIZE": dequantize.convert,
    "EXPAND_DIMS": reshape.convert,
    "FULLY_CONNECTED": fully_connected.convert,
    "GATHER": moves.convert_gather,
    "HARD_SWISH": lookup.convert_hard_swish,
    "LEAKY_RELU": lookup.convert_leaky_relu,
    "LOGISTIC": lookup.convert_logistic,
    "MAXIMUM": extremum.convert,
    "MAX_POOL_2D": pools.convert_max,
    "MEAN": mean.convert,
    "MINIMUM": extremum.convert,
    "MIRROR_PAD": moves.convert_mirror_pad,
    "MUL": mul.convert,
    "PACK": concatenation.convert_pack,
    "PAD": pad.convert,
    "PADV2": pad.convert,
    "QUANTIZE": quantize.convert,
    "REDUCE_MAX": extremum.convert_reduce,
    "REDUCE_MIN": extremum.convert_reduce,
    "RELU": lookup.convert_relu,
    "RELU6": lookup.convert_relu,
    "RELU_0_TO_1": lookup.convert_relu,
    "RELU_N1_TO_1": lookup.convert_relu,
    "RESHAPE": reshape.convert,
    "SLICE": strided_slice.convert_slice,
    "SOFTMAX": softmax.convert,
    "SPACE_TO_BATCH_ND": transpose.convert_space_to_batch,
    "SPACE_TO_DEPTH": transpose.convert_space_to_depth,
    "SPLIT": strided_slice.convert_split,
    "SPLIT_V": strided_slice.convert_split_v,
    "SQUEEZE": reshape.convert,
    "STRIDED_SLICE": strided_slice.convert,
    "SUB": add.convert,
    "SUM": mean.convert,
    "TANH": lookup.convert_tanh,
    "TRANSPOSE": transpose.convert,
    "UNPACK": strided_slice.convert_unpack,
}
