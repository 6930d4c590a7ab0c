"""A parsed .tflite file of real numbers to a float graph (`qembed.floats`).

Operators that only move values convert as those of an integer network do. Weights stored as
float16, or as integers with scales, are read as the real numbers that they stand for. What
constants alone decide, shapes above all, is computed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from qembed import floats
from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.floats import FLOAT_OPERATORS
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
from qembed.floats.resize import CODES as RESIZE
from qembed.floats.resize import Resize
from qembed.floats.simplify import simplify
from qembed.floats.transpose_conv import TransposeConv
from qembed.floats.unary import FUNCTIONS as UNARY
from qembed.floats.unary import Unary
from qembed.importers.tflite import values
from qembed.importers.tflite.convert import (
    Assembly,
    append,
    place,
    require_reasonable,
    require_shape,
    summary,
    where,
)
from qembed.importers.tflite.ops import CONVERTERS, conv
from qembed.importers.tflite.ops.mean import axes_of
from qembed.importers.tflite.ops.pad import padding_table
from qembed.importers.tflite.values import Step
from qembed.ir import AnyArray, Graph, Padding2D
from qembed.numerics import PROFILES
from qembed.ops.mirror_pad import MirrorPad
from qembed.tflite.reader import File, Operator, Value
from qembed.validate import validate

REAL = ("float32", "float16")
STORED = ("float32", "float16", "int8", "int4", "uint8")
"""Types in which weights of a network of real numbers may be stored."""


def convert_float(file: File, name: str, size: int) -> Graph:
    """Assemble the float graph of a file, simplified.

    Parameters
    ----------
    file : File
    name : str
        Of the graph.
    size : int
        Of the file, in bytes.

    Raises
    ------
    UnsupportedError
        Listing every operator that cannot be imported, with its tensor and the reason.
    ModelError
        The same, if one of the reasons is damage rather than something unsupported.
    """
    main = file.subgraphs[0]
    require_reasonable(main, size)
    assembly = Assembly(FLOAT_OPERATORS)
    known: dict[int, Value] = {}
    complaints: list[tuple[str, QembedError]] = []
    inputs = tuple(place(assembly, value) for value in main.inputs)
    for op in main.operators:
        op = replace(op, inputs=tuple(known.get(id(v), v) if v else None for v in op.inputs))
        try:
            for step in _steps(op):
                step = replace(step, inputs=tuple(known.get(id(v), v) for v in step.inputs))
                if all(value.data is not None for value in step.inputs):
                    _compute(step, known)
                    assembly.values.append(step.outputs[0])  # its id stays taken
                else:
                    append(assembly, step)
        except QembedError as error:
            complaints.append((where(op), error))
    if complaints:
        raise summary(complaints, "")
    graph = Graph(
        name=name,
        tensors=tuple(assembly.tensors),
        nodes=tuple(assembly.nodes),
        inputs=inputs,
        outputs=tuple(place(assembly, known.get(id(v), v)) for v in main.outputs),
        profile=floats.PROFILE,
    )
    return simplify(validate(graph, FLOAT_OPERATORS))


def _steps(op: Operator) -> list[Step]:
    if op.code not in FLOAT_CONVERTERS:
        raise UnsupportedError("this operator is not supported")
    for value in (*op.inputs, *op.outputs):
        if value is not None and value.data is None:
            require_shape(value)
    return FLOAT_CONVERTERS[op.code](op)


def _compute(step: Step, known: dict[int, Value]) -> None:
    """Run a step on constants; its output is one from now on."""
    (y,) = step.outputs
    arrays = [values.contents(value)[None] for value in step.inputs]
    data = np.array(FLOAT_OPERATORS[step.stem].forward(step.params, *arrays)[0], y.dtype)
    known[id(y)] = replace(y, data=data)
    if data.shape != y.shape:
        raise ModelError(f"computes {list(data.shape)} but declares {values.describe(y)}")


def real(value: Value) -> AnyArray:
    """Contents of a constant as real numbers, whatever they are stored as."""
    data = values.contents(value)
    if value.dtype in REAL:
        return data.astype(np.float32)
    if value.dtype not in STORED or value.scales.size not in (1, data.shape[value.axis]):
        raise UnsupportedError(f"tensor {values.describe(value)} holds no real numbers")
    shape = [-1 if axis == value.axis else 1 for axis in range(data.ndim)]
    if value.scales.size == 1:
        shape = [1] * data.ndim
    steps = data.astype(np.float32) - value.zero_points.astype(np.float32).reshape(shape)
    return steps * value.scales.reshape(shape)


def _bias(op: Operator, channels: int, index: int = 2) -> AnyArray:
    value = values.optional_operand(op, index, REAL)
    if value is None:
        return np.zeros(channels, np.float32)
    return real(value).reshape(-1)


def _image_layer(op: Operator, x: Value, kernel: tuple[int, ...]) -> dict[str, Any]:
    return {
        "stride": conv.strides(op),
        "dilation": conv.dilations(op),
        "padding": _padding(op, x, kernel, conv.dilations(op)),
        "activation": op.options["activation"],
    }


def _padding(
    op: Operator, x: Value, kernel: tuple[int, ...], dilation: tuple[int, int] = (1, 1)
) -> Padding2D:
    if len(x.shape) != 4:
        raise ModelError(f"input {values.describe(x)} must have four dimensions (NHWC)")
    return conv.padding(op, x, kernel, dilation)


def _real_input(op: Operator, index: int = 0) -> Value:
    return values.operand(op, index, ("float32",))


def _real_output(op: Operator) -> Value:
    return values.result(op, ("float32",))


def _conv(op: Operator) -> list[Step]:
    x, w, y = _real_input(op), values.operand(op, 1, STORED), _real_output(op)
    weights = real(w)
    if weights.ndim != 4:
        raise ModelError(f"weights {values.describe(w)} must have four dimensions")
    layer = _image_layer(op, x, weights.shape[1:3])
    return [Step("conv", Conv(weights, _bias(op, weights.shape[0]), **layer), (x,), (y,))]


def _depthwise_conv(op: Operator) -> list[Step]:
    x, w, y = _real_input(op), values.operand(op, 1, STORED), _real_output(op)
    weights = real(w)
    if weights.ndim != 4 or weights.shape[0] != 1:
        raise ModelError(f"weights {values.describe(w)} must be 1HWO")
    layer = _image_layer(op, x, weights.shape[1:3])
    params = DepthwiseConv(weights[0], _bias(op, weights.shape[3]), **layer)
    return [Step("depthwise_conv", params, (x,), (y,))]


def _fully_connected(op: Operator) -> list[Step]:
    x, w, y = _real_input(op), values.operand(op, 1, STORED), _real_output(op)
    if op.options["weights_format"] != 0:
        raise UnsupportedError(f"weights {values.describe(w)} are stored shuffled")
    weights = real(w)
    if weights.ndim != 2:
        raise ModelError(f"weights {values.describe(w)} must have two dimensions")
    channels, row = weights.shape
    keep = y.shape[:-1] == x.shape[:-1] and x.shape[-1:] == (row,)
    params = FullyConnected(weights, _bias(op, channels), op.options["activation"], keep)
    rows = y.shape if keep else (int(np.prod(x.shape)) // row, channels)
    return values.reshaped(x, y, "fully_connected", params, rows)


def _transpose_conv(op: Operator) -> list[Step]:
    shape = values.integers(values.operand(op, 0, ("int32",)))
    w, x, y = values.operand(op, 1, STORED), _real_input(op, 2), _real_output(op)
    weights, stride = real(w), conv.strides(op)
    if weights.ndim != 4 or shape != y.shape or len(shape) != 4:
        raise ModelError(f"weights {values.describe(w)} and output {shape} must be images")
    (top, _), (left, _) = conv.padding(op, y, weights.shape[1:3])
    params = TransposeConv(
        weights,
        _bias(op, weights.shape[0], 3),
        output_size=(shape[1], shape[2]),
        stride=stride,
        offset=(top, left),
        activation=op.options["activation"],
    )
    return [Step("transpose_conv", params, (x,), (y,))]


def _pool(op: Operator) -> list[Step]:
    x, y = _real_input(op), _real_output(op)
    window = (op.options["filter_h"], op.options["filter_w"])
    if min(window) < 1:
        raise ModelError(f"the window {window} must be at least 1 by 1")
    function = "max" if op.code == "MAX_POOL_2D" else "average"
    padding = _padding(op, x, window)
    params = Pool(function, window, conv.strides(op), padding, op.options["activation"])
    return [Step("pool", params, (x,), (y,))]


def _reduce(op: Operator) -> list[Step]:
    x, y = _real_input(op), _real_output(op)
    axes = axes_of(values.operand(op, 1, ("int32",)), x.shape)
    (function,) = [name for name, (code, _) in REDUCE.items() if code == op.code]
    return [Step("reduce", Reduce(function, axes, bool(op.options["keep_dims"])), (x,), (y,))]


def _binary(op: Operator) -> list[Step]:
    (function,) = [name for name, (code, _) in BINARY.items() if code == op.code]
    params = Binary(function, op.options.get("activation", "NONE"))
    return [Step("binary", params, (_real_input(op), _real_input(op, 1)), (_real_output(op),))]


def _unary(op: Operator) -> list[Step]:
    (function,) = [name for name, (code, _) in UNARY.items() if code == op.code]
    params = Unary(function, float(op.options.get("alpha", 0.0)))
    return [Step("unary", params, (_real_input(op),), (_real_output(op),))]


def _normalize(op: Operator) -> list[Step]:
    (function,) = [name for name, code in NORMALIZE.items() if code == op.code]
    if op.options.get("activation", "NONE") != "NONE":
        raise UnsupportedError(f"fused activation {op.options['activation']} is not supported")
    params = Normalize(function, float(op.options.get("beta", 1.0)))
    return [Step("normalize", params, (_real_input(op),), (_real_output(op),))]


def _prelu(op: Operator) -> list[Step]:
    slopes = real(values.operand(op, 1, STORED))
    return [Step("prelu", Prelu(slopes), (_real_input(op),), (_real_output(op),))]


def _pad(op: Operator) -> list[Step]:
    x, y = _real_input(op), _real_output(op)
    filling = values.optional_operand(op, 2, REAL)
    number = 0.0
    if filling is not None:
        given = real(filling)
        if given.size != 1:
            raise ModelError(f"padding value {values.describe(filling)} must be a single number")
        number = float(given.reshape(-1)[0])
    return [Step("pad", Pad(padding_table(op, x), number), (x,), (y,))]


def _mirror_pad(op: Operator) -> list[Step]:
    x, y = _real_input(op), _real_output(op)
    params = MirrorPad(padding_table(op, x), op.options["mode"] == "SYMMETRIC")
    return [Step("mirror_pad", params, (x,), (y,))]


def _resize(op: Operator) -> list[Step]:
    x, y = _real_input(op), _real_output(op)
    size = values.integers(values.operand(op, 1, ("int32",)))
    if len(size) != 2:
        raise ModelError(f"{values.describe(x)} cannot be resized to {size}")
    (function,) = [name for name, code in RESIZE.items() if code == op.code]
    params = Resize(
        function,
        (size[0], size[1]),
        bool(op.options["align_corners"]),
        bool(op.options["half_pixel_centers"]),
    )
    return [Step("resize", params, (x,), (y,))]


def _batch_matmul(op: Operator) -> list[Step]:
    params = BatchMatmul(bool(op.options["adj_x"]), bool(op.options["adj_y"]))
    inputs = (_real_input(op), _real_input(op, 1))
    return [Step("batch_matmul", params, inputs, (_real_output(op),))]


def _dequantize(op: Operator) -> list[Step]:
    """Read stored weights as real numbers."""
    x, y = values.operand(op, 0, STORED), _real_output(op)
    constant = replace(x, dtype="float32", data=real(x), scales=x.scales[:0])
    return _moved(replace(op, code="RESHAPE", inputs=(constant,), outputs=(y,)))


def _shape(op: Operator) -> list[Step]:
    x, y = op.inputs[0], values.result(op, ("int32", "int64"))
    if x is None:
        raise ModelError("input 0 is missing")
    shape = np.array(x.shape, y.dtype)
    constant = replace(y, shape=shape.shape, data=shape)
    return _moved(replace(op, code="RESHAPE", inputs=(constant,)))


def _moved(op: Operator) -> list[Step]:
    """Convert as an integer network's; what these pad with is zero."""
    steps = CONVERTERS[op.code](op, PROFILES["tflm"])
    return [
        replace(step, params=Pad(step.params.padding)) if step.stem == "pad" else step
        for step in steps
    ]


FLOAT_CONVERTERS: dict[str, Callable[[Operator], list[Step]]] = {
    **{code: _unary for code, _ in UNARY.values()},
    **{code: _binary for code, _ in BINARY.values()},
    **{code: _reduce for code, _ in REDUCE.values()},
    **dict.fromkeys(NORMALIZE.values(), _normalize),
    **dict.fromkeys(RESIZE.values(), _resize),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _pool),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    **dict.fromkeys(
        (
            "BATCH_TO_SPACE_ND",
            "BROADCAST_TO",
            "CONCATENATION",
            "DEPTH_TO_SPACE",
            "EXPAND_DIMS",
            "GATHER",
            "PACK",
            "RESHAPE",
            "SLICE",
            "SPACE_TO_BATCH_ND",
            "SPACE_TO_DEPTH",
            "SPLIT",
            "SPLIT_V",
            "SQUEEZE",
            "STRIDED_SLICE",
            "TRANSPOSE",
            "UNPACK",
        ),
        _moved,
    ),
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise_conv,
    "DEQUANTIZE": _dequantize,
    "FULLY_CONNECTED": _fully_connected,
    "MIRROR_PAD": _mirror_pad,
    "PRELU": _prelu,
    "SHAPE": _shape,
    "TRANSPOSE_CONV": _transpose_conv,
}
