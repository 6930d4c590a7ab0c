"""Plain values to the bytes of a .tflite file: the inverse of `reader.parse`.

One subgraph. The same file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from qembed.errors import UnsupportedError
from qembed.ir import AnyArray
from qembed.tflite import schema
from qembed.tflite.reader import FORMAT_VERSION, File, Operator, SubGraph, Value

ALIGNMENT = 16  # of constants: runtimes read them in place

Builder = Any  # of the package flatbuffers, which has no types
Content = Callable[[Builder], None]


def write(file: File) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    UnsupportedError
        It has several subgraphs, state, or an operator without options known here.
    """
    if len(file.subgraphs) != 1:
        raise UnsupportedError("files of several subgraphs are not written")
    (graph,) = file.subgraphs
    values = _values(graph)
    codes = list(dict.fromkeys(op.code for op in graph.operators))
    builder: Builder = flatbuffers.Builder(1 << 16)
    constants = [
        _table(builder, {}, {}),
        *(_buffer(builder, v) for v in values if v.data is not None),
    ]
    buffers = _tables(builder, constants)
    subgraph = _subgraph(builder, graph, values, codes)
    model = {
        schema.MODEL_CODES: _tables(builder, [_code(builder, code) for code in codes]),
        schema.MODEL_SUBGRAPHS: _tables(builder, [subgraph]),
        schema.MODEL_DESCRIPTION: builder.CreateString(file.description),
        schema.MODEL_BUFFERS: buffers,
    }
    root = _table(builder, {schema.MODEL_VERSION: ("I", FORMAT_VERSION)}, model)
    builder.Finish(root, b"TFL3")
    return bytes(builder.Output())


def _values(graph: SubGraph) -> list[Value]:
    """Every tensor once: inputs first, then in the order in which operators meet them."""
    met = [*graph.inputs]
    for op in graph.operators:
        met += [value for value in op.inputs if value is not None]
        met += op.outputs
    return list({id(value): value for value in (*met, *graph.outputs)}.values())


def _subgraph(
    builder: Builder, graph: SubGraph, values: Sequence[Value], codes: Sequence[str]
) -> int:
    place = {id(value): index for index, value in enumerate(values)}
    tensors, filled = [], 0
    for value in values:
        filled += value.data is not None
        tensors.append(_tensor(builder, value, filled if value.data is not None else 0))
    operators = [_operator(builder, op, place, codes) for op in graph.operators]
    vectors = {
        schema.SUBGRAPH_TENSORS: _tables(builder, tensors),
        schema.SUBGRAPH_INPUTS: _numbers(builder, [place[id(v)] for v in graph.inputs], "i4"),
        schema.SUBGRAPH_OUTPUTS: _numbers(builder, [place[id(v)] for v in graph.outputs], "i4"),
        schema.SUBGRAPH_OPERATORS: _tables(builder, operators),
    }
    return _table(builder, {}, vectors)


def _tensor(builder: Builder, value: Value, buffer: int) -> int:
    if value.is_sparse or value.is_variable or value.reset_value is not None:
        raise UnsupportedError(f"tensor '{value.name}' is state or sparse, which is not written")
    parts = {
        schema.TENSOR_SHAPE: _numbers(builder, value.shape, "i4"),
        schema.TENSOR_NAME: builder.CreateString(value.name),
    }
    if value.scales.size:
        scales = _numbers(builder, value.scales, "f4")
        zero_points = _numbers(builder, value.zero_points, "i8")
        parts[schema.TENSOR_QUANTIZATION] = _table(
            builder,
            {schema.QUANTIZATION_DIMENSION: ("i", value.axis)},
            {schema.QUANTIZATION_SCALE: scales, schema.QUANTIZATION_ZERO_POINT: zero_points},
        )
    scalars = {
        schema.TENSOR_TYPE: ("b", schema.TYPES.index(value.dtype)),
        schema.TENSOR_BUFFER: ("I", buffer),
    }
    return _table(builder, scalars, parts)


def _operator(builder: Builder, op: Operator, place: dict[int, int], codes: Sequence[str]) -> int:
    inputs = [-1 if value is None else place[id(value)] for value in op.inputs]
    scalars = {schema.OPERATOR_CODE: ("I", codes.index(op.code))}
    parts = {
        schema.OPERATOR_INPUTS: _numbers(builder, inputs, "i4"),
        schema.OPERATOR_OUTPUTS: _numbers(builder, [place[id(v)] for v in op.outputs], "i4"),
    }
    if op.code in schema.OPTIONS:
        number, fields = schema.OPTIONS[op.code]
        scalars[schema.OPERATOR_OPTIONS_TYPE] = ("B", number)
        parts[schema.OPERATOR_OPTIONS] = _options(builder, op, fields)
    return _table(builder, scalars, parts)


def _options(builder: Builder, op: Operator, fields: Sequence[schema.Field]) -> int:
    scalars: dict[int, tuple[str, Any]] = {}
    parts: dict[int, int] = {}
    for field in fields:
        value = op.options[field.name]
        if field.form == "s":
            parts[field.slot] = builder.CreateString(value)
        elif field.form == "[i":
            parts[field.slot] = _numbers(builder, value, "i4")
        else:
            scalars[field.slot] = field.form, field.names.index(value) if field.names else value
    return _table(builder, scalars, parts)


def _code(builder: Builder, code: str) -> int:
    if code not in schema.OPERATORS:
        raise UnsupportedError(f"operator {code} has no code in the format")
    number = schema.OPERATORS.index(code)
    scalars = {
        schema.CODE_NARROW: ("b", min(number, schema.WIDE_CODE)),
        schema.CODE_VERSION: ("i", schema.FIRST_VERSIONS.get(code, 1)),
        schema.CODE_WIDE: ("i", number),
    }
    return _table(builder, scalars, {})


def _buffer(builder: Builder, value: Value) -> int:
    assert value.data is not None  # the caller picks constants
    data = _pack_int4(value.data) if value.dtype == "int4" else value.data
    raw = np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes()
    return _table(builder, {}, {schema.BUFFER_DATA: _vector(builder, raw, 1, len(raw), ALIGNMENT)})


def _pack_int4(data: AnyArray) -> NDArray[np.uint8]:
    """Two values a byte, the low nibble first."""
    nibbles = (data.reshape(-1).astype(np.int16) & 15).astype(np.uint8)
    nibbles = np.append(nibbles, np.zeros(nibbles.size % 2, np.uint8))
    return (nibbles[::2] | nibbles[1::2] << 4).astype(np.uint8)


def _table(builder: Builder, scalars: dict[int, tuple[str, Any]], parts: dict[int, int]) -> int:
    """Write a table: numbers (form as in `struct`) and offsets of parts, by slot."""
    prepend = {
        "b": builder.PrependInt8,
        "B": builder.PrependUint8,
        "i": builder.PrependInt32,
        "I": builder.PrependUint32,
        "f": builder.PrependFloat32,
    }
    builder.StartObject(1 + max((*scalars, *parts), default=-1))
    for slot, offset in parts.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, (form, number) in scalars.items():
        prepend[form](number)
        builder.Slot(slot)
    end: int = builder.EndObject()
    return end


def _tables(builder: Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for offset in reversed(tables):
        builder.PrependUOffsetTRelative(offset)
    end: int = builder.EndVector()
    return end


def _numbers(builder: Builder, numbers: Any, dtype: str) -> int:
    array = np.array(numbers, np.dtype(dtype).newbyteorder("<")).reshape(-1)
    return _vector(builder, array.tobytes(), array.itemsize, array.size, array.itemsize)


def _vector(builder: Builder, raw: bytes, itemsize: int, count: int, alignment: int) -> int:
    builder.StartVector(itemsize, count, alignment)
    builder.head = builder.head - len(raw)
    builder.Bytes[builder.head : builder.head + len(raw)] = raw
    end: int = builder.EndVector()
    return end
