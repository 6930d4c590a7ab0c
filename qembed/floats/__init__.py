"""Networks of real numbers: the graph of `qembed.ir`, with float32 tensors and the operators here.

A float graph is what an importer reads from a network that is not quantized yet, and what the
quantizer starts from. A module ``qembed/floats/<stem>.py`` holds everything that defines one
operator:

- a frozen dataclass with its parameters, weights among them;
- ``infer(params, *tensors)``: refuses what is wrong with a sentence, returns the shape and type of
  the output; every operator has one;
- ``forward(params, *arrays)``: a batch in float32, arrays (B, *shape);
- ``lower(params, inputs, output)``: the same as operators of a .tflite file, for whatever types and
  scales its values have; the importer turns these into integers, the writer into bytes.

`FLOAT_OPERATORS` is the table of them. `validate(graph, FLOAT_OPERATORS)` checks a float graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from qembed.floats import (
    batch_matmul,
    binary,
    conv,
    depthwise_conv,
    fully_connected,
    moves,
    normalize,
    pad,
    pool,
    prelu,
    reduce,
    requantize,
    resize,
    transpose_conv,
    unary,
)
from qembed.ir import AnyArray, DType, Shape
from qembed.ops import (
    broadcast_to,
    concatenation,
    gather,
    mirror_pad,
    reshape,
    strided_slice,
    transpose,
)
from qembed.tflite.reader import Operator, Value

PROFILE = "float32"
"""What stands in ``Graph.profile`` of a float graph."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How a layer that sums products shows its weights.

    Attributes
    ----------
    axis : int
        Of the output channels, in the layout of the file.
    stored : callable
        ``stored(params)``: weights in the layout of the file.
    matrix, restored : callable
        ``matrix(params, G)`` are the weights as matrices, (G, O / G, K), of G groups;
        ``restored(params, matrices)`` brings such back to the layout of the parameters.
    unfold : callable, optional
        ``unfold(params, x)``, (G, rows, K), times these matrices are the sums.
    """

    axis: int
    stored: Callable[[Any], AnyArray]
    matrix: Callable[[Any, int], AnyArray]
    restored: Callable[[Any, AnyArray], AnyArray]
    unfold: Callable[[Any, AnyArray], AnyArray] | None = None


@dataclass(frozen=True, slots=True)
class FloatOperator:
    """What the rest of qembed needs to know of an operator: see the module docstring.

    Attributes
    ----------
    weights : Weights, optional
        Given for layers that sum products; `lower` then gets the values (x, weights, bias).
    tied : callable
        ``tied(params)``: whether all its tensors must have the same scale and zero point when they
        are integers.
    """

    params: type
    infer: Callable[..., list[tuple[Shape, DType]]]
    forward: Callable[..., AnyArray]
    lower: Callable[[Any, list[Value], Value], list[Operator]]
    weights: Weights | None = None
    tied: Callable[[Any], bool] = field(default=lambda params: False)


def _always(params: object) -> bool:
    return True


def _layer(module: Any, params: type, axis: int) -> FloatOperator:
    unfold = getattr(module, "unfold", None)
    weights = Weights(axis, module.stored, module.matrix, module.restored, unfold)
    return FloatOperator(params, module.infer, module.forward, module.lower, weights)


FLOAT_OPERATORS: dict[str, FloatOperator] = {
    "batch_matmul": FloatOperator(
        batch_matmul.BatchMatmul, batch_matmul.infer, batch_matmul.forward, batch_matmul.lower
    ),
    "binary": FloatOperator(
        binary.Binary,
        binary.infer,
        binary.forward,
        binary.lower,
        tied=lambda params: params.function in ("maximum", "minimum"),
    ),
    "broadcast_to": FloatOperator(
        broadcast_to.BroadcastTo,
        broadcast_to.infer,
        moves.broadcast_to,
        moves.lower_broadcast_to,
        tied=_always,
    ),
    "concatenation": FloatOperator(
        concatenation.Concatenation,
        concatenation.infer,
        moves.concatenation,
        moves.lower_concatenation,
        tied=_always,
    ),
    "conv": _layer(conv, conv.Conv, 0),
    "depthwise_conv": _layer(depthwise_conv, depthwise_conv.DepthwiseConv, 3),
    "fully_connected": _layer(fully_connected, fully_connected.FullyConnected, 0),
    "gather": FloatOperator(
        gather.Gather, gather.infer, moves.gather, moves.lower_gather, tied=_always
    ),
    "mirror_pad": FloatOperator(
        mirror_pad.MirrorPad,
        mirror_pad.infer,
        moves.mirror_pad,
        moves.lower_mirror_pad,
        tied=_always,
    ),
    "normalize": FloatOperator(
        normalize.Normalize, normalize.infer, normalize.forward, normalize.lower
    ),
    "pad": FloatOperator(pad.Pad, pad.infer, pad.forward, pad.lower, tied=_always),
    "pool": FloatOperator(pool.Pool, pool.infer, pool.forward, pool.lower, tied=_always),
    "prelu": FloatOperator(prelu.Prelu, prelu.infer, prelu.forward, prelu.lower),
    "reduce": FloatOperator(
        reduce.Reduce,
        reduce.infer,
        reduce.forward,
        reduce.lower,
        tied=lambda params: params.function in ("max", "min"),
    ),
    "requantize": FloatOperator(
        requantize.Requantize, requantize.infer, requantize.forward, requantize.lower
    ),
    "reshape": FloatOperator(
        reshape.Reshape, reshape.infer, moves.reshape, moves.lower_reshape, tied=_always
    ),
    "resize": FloatOperator(
        resize.Resize, resize.infer, resize.forward, resize.lower, tied=_always
    ),
    "strided_slice": FloatOperator(
        strided_slice.StridedSlice,
        strided_slice.infer,
        moves.strided_slice,
        moves.lower_strided_slice,
        tied=_always,
    ),
    "transpose": FloatOperator(
        transpose.Transpose, transpose.infer, moves.transpose, moves.lower_transpose, tied=_always
    ),
    "transpose_conv": _layer(transpose_conv, transpose_conv.TransposeConv, 0),
    "unary": FloatOperator(
        unary.Unary,
        unary.infer,
        unary.forward,
        unary.lower,
        # TFLite Micro's RELU6 of its own clamps raw values.
        tied=lambda params: params.function == "relu6",
    ),
}
