"""The content of a .tflite file as plain values; nothing behind this module sees raw bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError, UnsupportedError
from qembed.ir import DTYPES, AnyArray, Shape
from qembed.tflite import flatbuffer, schema
from qembed.tflite.flatbuffer import Table

FORMAT_VERSION = 3


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor of the file, or one that a conversion puts between two nodes.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        A NumPy name, or another of `schema.TYPES` ("int4", "resource", "string", ...).
    scales, zero_points : float32, int64 ndarray
        Empty, one, or one per channel along `axis`.
    axis : int
    data : ndarray, optional
        Contents of a constant; int4 is unpacked to int8.
    is_variable, is_sparse : bool
    reset_value : int, optional
        The value is state, and this is what a reset fills it with.
    """

    name: str
    shape: Shape
    dtype: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int = 0
    data: AnyArray | None = None
    is_variable: bool = False
    is_sparse: bool = False
    reset_value: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One step of a subgraph. An input the file leaves out is None."""

    code: str
    index: int
    options: Mapping[str, Any]
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SubGraph:
    """One function of the file; the first is the model."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """Everything that qembed reads of a .tflite file."""

    description: str
    subgraphs: tuple[SubGraph, ...]


def parse(raw: bytes) -> File:
    """Read a file.

    Raises
    ------
    ModelError
        The bytes are not a sound .tflite file.
    UnsupportedError
        They need a feature of the format that qembed does not read.
    """
    model = flatbuffer.table_at(flatbuffer.source_of(raw), 0)
    version = flatbuffer.scalar(model, schema.MODEL_VERSION, "I", 0)
    if version != FORMAT_VERSION:
        raise UnsupportedError(f"the file has format version {version}, only 3 is known")
    codes = [_operator_code(table) for table in flatbuffer.children(model, schema.MODEL_CODES)]
    buffers = [_buffer(table) for table in flatbuffer.children(model, schema.MODEL_BUFFERS)]
    subgraphs = flatbuffer.children(model, schema.MODEL_SUBGRAPHS)
    if not subgraphs:
        raise ModelError("the file contains no graph")
    return File(
        description=flatbuffer.text(model, schema.MODEL_DESCRIPTION),
        subgraphs=tuple(_subgraph(table, codes, buffers) for table in subgraphs),
    )


def _operator_code(table: Table) -> str:
    narrow = flatbuffer.scalar(table, schema.CODE_NARROW, "b", 0)
    wide = flatbuffer.scalar(table, schema.CODE_WIDE, "i", 0)
    code = int(wide if narrow == schema.WIDE_CODE else max(narrow, wide))
    if not 0 <= code < len(schema.OPERATORS):
        return f"operator number {code}"
    name = schema.OPERATORS[code]
    return f"CUSTOM {flatbuffer.text(table, schema.CODE_CUSTOM)}" if name == "CUSTOM" else name


def _buffer(table: Table) -> AnyArray:
    if flatbuffer.scalar(table, schema.BUFFER_OFFSET, "Q", 0) > 1:
        raise UnsupportedError("the file stores constants outside the flatbuffer (a model > 2 GB)")
    return flatbuffer.array(table, schema.BUFFER_DATA, "uint8")


def _subgraph(table: Table, codes: list[str], buffers: list[AnyArray]) -> SubGraph:
    values = tuple(
        _value(entry, buffers) for entry in flatbuffer.children(table, schema.SUBGRAPH_TENSORS)
    )
    operators = flatbuffer.children(table, schema.SUBGRAPH_OPERATORS)
    return SubGraph(
        inputs=_required(_pick(table, schema.SUBGRAPH_INPUTS, values)),
        outputs=_required(_pick(table, schema.SUBGRAPH_OUTPUTS, values)),
        operators=tuple(
            _operator(entry, index, codes, values) for index, entry in enumerate(operators)
        ),
    )


def _pick(table: Table, slot: int, values: tuple[Value, ...]) -> tuple[Value | None, ...]:
    """Values whose indices a field lists; -1 is an optional one left out."""
    indices = flatbuffer.array(table, slot, "int32")
    for index in indices:
        if not -1 <= index < len(values):
            raise ModelError(f"the file is damaged: tensor {index} of {len(values)} is used")
    return tuple(None if index < 0 else values[index] for index in indices)


def _required(values: tuple[Value | None, ...]) -> tuple[Value, ...]:
    present = tuple(value for value in values if value is not None)
    if len(present) != len(values):
        raise ModelError("the file is damaged: an input or output is left out")
    return present


def _value(table: Table, buffers: list[AnyArray]) -> Value:
    name = flatbuffer.text(table, schema.TENSOR_NAME)
    code = int(flatbuffer.scalar(table, schema.TENSOR_TYPE, "b", 0))
    if not 0 <= code < len(schema.TYPES):
        raise ModelError(f"tensor '{name}' has the unknown type number {code}")
    index = int(flatbuffer.scalar(table, schema.TENSOR_BUFFER, "I", 0))
    if index and index >= len(buffers):
        raise ModelError(f"tensor '{name}' refers to buffer {index} of {len(buffers)}")
    shape = tuple(int(n) for n in flatbuffer.array(table, schema.TENSOR_SHAPE, "int32"))
    scales, zero_points, axis = _quantization(table, name)
    contents = buffers[index] if index else np.zeros(0, np.uint8)
    return Value(
        name=name,
        shape=shape,
        dtype=schema.TYPES[code],
        scales=scales,
        zero_points=zero_points,
        axis=axis,
        data=_constant(name, schema.TYPES[code], shape, contents),
        is_variable=bool(flatbuffer.scalar(table, schema.TENSOR_IS_VARIABLE, "B", 0)),
        is_sparse=flatbuffer.field_position(table, schema.TENSOR_SPARSITY) is not None,
    )


def _quantization(table: Table, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    entry = flatbuffer.child(table, schema.TENSOR_QUANTIZATION)
    if entry is None:
        return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    scales = flatbuffer.array(entry, schema.QUANTIZATION_SCALE, "float32")
    zero_points = flatbuffer.array(entry, schema.QUANTIZATION_ZERO_POINT, "int64")
    if zero_points.size == 0:
        zero_points = np.zeros(scales.size, np.int64)
    if scales.size not in (0, zero_points.size):
        raise ModelError(
            f"tensor '{name}' has {scales.size} scales but {zero_points.size} zero points"
        )
    axis = int(flatbuffer.scalar(entry, schema.QUANTIZATION_DIMENSION, "i", 0))
    return scales, zero_points, axis


def _constant(name: str, dtype: str, shape: Shape, contents: AnyArray) -> AnyArray | None:
    """Contents of a constant tensor; None if it has none or of a type that is not a number."""
    if min(shape, default=1) < 0:
        return None
    count = math.prod(shape)
    if count == 0:  # an empty list is a value, other empty shapes mean nothing
        return np.zeros(0, np.int32) if shape == (0,) and dtype == "int32" else None
    if contents.size == 0:
        return None
    if dtype == "int4":
        size = (count + 1) // 2
    elif dtype not in (*DTYPES, "float16"):
        return None
    else:
        size = count * np.dtype(dtype).itemsize
    if contents.size != size:
        raise ModelError(
            f"tensor '{name}' of type {dtype}{list(shape)} needs {size} bytes of contents but the "
            f"file has {contents.size}"
        )
    if dtype == "int4":
        return _unpack_int4(contents, count).reshape(shape)
    return contents.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _unpack_int4(packed: AnyArray, count: int) -> NDArray[np.int8]:
    """Sign-extend nibbles, the low one first."""
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:count].astype(np.int8)
    return ((nibbles ^ 8) - 8).astype(np.int8)


def _operator(table: Table, index: int, codes: list[str], values: tuple[Value, ...]) -> Operator:
    number = int(flatbuffer.scalar(table, schema.OPERATOR_CODE, "I", 0))
    if number >= len(codes):
        raise ModelError(f"the file is damaged: operator {index} has code {number} of {len(codes)}")
    code = codes[number]
    return Operator(
        code=code,
        index=index,
        options=_options(table, code, index),
        inputs=_pick(table, schema.OPERATOR_INPUTS, values),
        outputs=_required(_pick(table, schema.OPERATOR_OUTPUTS, values)),
    )


def _options(table: Table, code: str, index: int) -> dict[str, Any]:
    """Options of an operator by name; defaults where the file leaves them out."""
    if code not in schema.OPTIONS:
        return {}
    number, fields = schema.OPTIONS[code]
    entry = flatbuffer.child(table, schema.OPERATOR_OPTIONS)
    if entry is not None:
        stored = flatbuffer.scalar(table, schema.OPERATOR_OPTIONS_TYPE, "B", 0)
        if stored != number:
            raise ModelError(f"{code} (operator {index}) has options of type {stored}")
    else:
        entry = Table(flatbuffer.source_of(b""), 0, ())
    return {field.name: _option(entry, field, code, index) for field in fields}


def _option(table: Table, field: schema.Field, code: str, index: int) -> Any:
    if field.form == "s":
        return flatbuffer.text(table, field.slot)
    if field.form == "[i":
        return tuple(int(n) for n in flatbuffer.array(table, field.slot, "int32"))
    number = flatbuffer.scalar(table, field.slot, field.form, field.default)
    if not field.names:
        return number
    if not 0 <= number < len(field.names):
        raise ModelError(f"{code} (operator {index}) has the unknown {field.name} {number}")
    return field.names[int(number)]
