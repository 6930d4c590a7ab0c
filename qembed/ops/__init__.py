"""The operators: one module each, and this table of them.

A module ``qembed/ops/<stem>.py`` holds everything that defines one operator:

- a frozen dataclass with its parameters, the operator's whole meaning in integers;
- ``infer(params, *inputs)``: refuses what is wrong with a sentence, returns the shape and type of
  each output;
- ``reference(params, *arrays)``: one sample by definition, in NumPy int64; returns one array, or a
  tuple of them for several outputs;
- ``macs(params, *tensors)``, if the operator multiplies; ``accumulate(params, *arrays)``: what its
  last requantization takes, of the output's shape; ``rows(params)``: weights of each sum, (O, K).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qembed.ir import AnyArray, DType, Shape
from qembed.ops import (
    add,
    arg_extremum,
    average_pool,
    batch_matmul,
    broadcast_to,
    compare,
    concatenation,
    conv,
    conv_integer,
    depthwise_conv,
    dequantize,
    dynamic_quantize,
    extremum,
    fully_connected,
    gather,
    gather_at,
    l2_normalization,
    log_softmax,
    lookup,
    lstm,
    matmul_integer,
    max_pool,
    mean,
    mirror_pad,
    mul,
    pad,
    pair_lookup,
    prelu,
    quantize,
    reduce_extremum,
    reshape,
    resize_bilinear,
    resize_nearest,
    select,
    sigmoid,
    softmax,
    softmax_int16,
    squared_difference,
    strided_slice,
    svdf,
    transpose,
    transpose_conv,
)


@dataclass(frozen=True, slots=True)
class Operator:
    """What the rest of qembed needs to know of an operator: see the module docstring."""

    params: type
    infer: Callable[..., list[tuple[Shape, DType]]]
    reference: Callable[..., Any]
    macs: Callable[..., int] | None = None
    accumulate: Callable[..., Any] | None = None
    rows: Callable[..., AnyArray] | None = None


OPERATORS: dict[str, Operator] = {
    "add": Operator(add.Add, add.infer, add.reference, accumulate=add.accumulate),
    "arg_extremum": Operator(arg_extremum.ArgExtremum, arg_extremum.infer, arg_extremum.reference),
    "average_pool": Operator(average_pool.AveragePool, average_pool.infer, average_pool.reference),
    "batch_matmul": Operator(
        batch_matmul.BatchMatmul,
        batch_matmul.infer,
        batch_matmul.reference,
        batch_matmul.macs,
        batch_matmul.accumulate,
    ),
    "broadcast_to": Operator(broadcast_to.BroadcastTo, broadcast_to.infer, broadcast_to.reference),
    "compare": Operator(compare.Compare, compare.infer, compare.reference),
    "concatenation": Operator(
        concatenation.Concatenation, concatenation.infer, concatenation.reference
    ),
    "conv": Operator(conv.Conv, conv.infer, conv.reference, conv.macs, conv.accumulate, conv.rows),
    "conv_integer": Operator(
        conv_integer.ConvInteger, conv_integer.infer, conv_integer.reference, conv_integer.macs
    ),
    "depthwise_conv": Operator(
        depthwise_conv.DepthwiseConv,
        depthwise_conv.infer,
        depthwise_conv.reference,
        depthwise_conv.macs,
        depthwise_conv.accumulate,
        depthwise_conv.rows,
    ),
    "dequantize": Operator(dequantize.Dequantize, dequantize.infer, dequantize.reference),
    "dynamic_quantize": Operator(
        dynamic_quantize.DynamicQuantize, dynamic_quantize.infer, dynamic_quantize.reference
    ),
    "extremum": Operator(extremum.Extremum, extremum.infer, extremum.reference),
    "fully_connected": Operator(
        fully_connected.FullyConnected,
        fully_connected.infer,
        fully_connected.reference,
        fully_connected.macs,
        fully_connected.accumulate,
        fully_connected.rows,
    ),
    "gather": Operator(gather.Gather, gather.infer, gather.reference),
    "gather_at": Operator(gather_at.GatherAt, gather_at.infer, gather_at.reference),
    "l2_normalization": Operator(
        l2_normalization.L2Normalization, l2_normalization.infer, l2_normalization.reference
    ),
    "log_softmax": Operator(log_softmax.LogSoftmax, log_softmax.infer, log_softmax.reference),
    "lookup": Operator(lookup.Lookup, lookup.infer, lookup.reference),
    "lstm": Operator(lstm.Lstm, lstm.infer, lstm.reference, lstm.macs),
    "matmul_integer": Operator(
        matmul_integer.MatmulInteger,
        matmul_integer.infer,
        matmul_integer.reference,
        matmul_integer.macs,
    ),
    "max_pool": Operator(max_pool.MaxPool, max_pool.infer, max_pool.reference),
    "mean": Operator(mean.Mean, mean.infer, mean.reference, accumulate=mean.accumulate),
    "mirror_pad": Operator(mirror_pad.MirrorPad, mirror_pad.infer, mirror_pad.reference),
    "mul": Operator(mul.Mul, mul.infer, mul.reference, accumulate=mul.accumulate),
    "pad": Operator(pad.Pad, pad.infer, pad.reference),
    "pair_lookup": Operator(pair_lookup.PairLookup, pair_lookup.infer, pair_lookup.reference),
    "prelu": Operator(prelu.Prelu, prelu.infer, prelu.reference),
    "quantize": Operator(quantize.Quantize, quantize.infer, quantize.reference),
    "reduce_extremum": Operator(
        reduce_extremum.ReduceExtremum, reduce_extremum.infer, reduce_extremum.reference
    ),
    "reshape": Operator(reshape.Reshape, reshape.infer, reshape.reference),
    "resize_bilinear": Operator(
        resize_bilinear.ResizeBilinear, resize_bilinear.infer, resize_bilinear.reference
    ),
    "resize_nearest": Operator(
        resize_nearest.ResizeNearest, resize_nearest.infer, resize_nearest.reference
    ),
    "select": Operator(select.Select, select.infer, select.reference),
    "sigmoid": Operator(sigmoid.Sigmoid, sigmoid.infer, sigmoid.reference),
    "softmax": Operator(softmax.Softmax, softmax.infer, softmax.reference),
    "softmax_int16": Operator(
        softmax_int16.SoftmaxInt16, softmax_int16.infer, softmax_int16.reference
    ),
    "squared_difference": Operator(
        squared_difference.SquaredDifference,
        squared_difference.infer,
        squared_difference.reference,
        accumulate=squared_difference.accumulate,
    ),
    "strided_slice": Operator(
        strided_slice.StridedSlice, strided_slice.infer, strided_slice.reference
    ),
    "svdf": Operator(svdf.Svdf, svdf.infer, svdf.reference, svdf.macs),
    "transpose": Operator(transpose.Transpose, transpose.infer, transpose.reference),
    "transpose_conv": Operator(
        transpose_conv.TransposeConv,
        transpose_conv.infer,
        transpose_conv.reference,
        transpose_conv.macs,
        transpose_conv.accumulate,
        transpose_conv.rows,
    ),
}
