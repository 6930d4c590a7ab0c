"""The content of an .onnx file as plain values; no protocol buffers behind this module."""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qembed.errors import ModelError, ToolError, UnsupportedError
from qembed.ir import AnyArray

MARK = b"\x08"
"""First byte of every file in use: field 1, the version of the format."""

NEWEST_OPSET = 28
OLDEST_OPSET = 10
MAX_TENSOR_BYTES = 1 << 31
MAX_RANK = 8

KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("allowzero", "axis", "block_size", "blocksize", "ceil_mode"), int),
    **dict.fromkeys(("channels_last", "count_include_pad", "end", "group", "keepdims"), int),
    **dict.fromkeys(("noop_with_empty_axes", "num_outputs", "opset", "output_dtype"), int),
    **dict.fromkeys(("start", "to", "transA", "transB", "value_int"), int),
    **dict.fromkeys(("alpha", "beta", "epsilon", "max", "min", "value_float"), float),
    **dict.fromkeys(("axes", "dilations", "ends", "kernel_shape", "output_padding"), tuple),
    **dict.fromkeys(("output_shape", "pads", "perm", "split", "starts", "strides"), tuple),
    **dict.fromkeys(("value_floats", "value_ints"), tuple),
    **dict.fromkeys(("auto_pad", "coordinate_transformation_mode", "mode", "nearest_mode"), str),
    "value": (float, np.ndarray),
}
"""Types of the attributes that converters read, by name; the numbers of a tuple are not told."""

DOMAINS = ("", "ai.onnx", "com.microsoft")
STORED_OUTSIDE = 1  # TensorProto.DataLocation.EXTERNAL


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator. An input that the file leaves out has the name "". `index` counts from 0."""

    code: str
    name: str
    index: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Port:
    """A graph input or output: its NumPy type; None for a size that the file leaves open."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Everything that qembed reads of an .onnx file.

    Attributes
    ----------
    nodes : tuple of Node
        In the order of the file, which is one in which they can run.
    constants : mapping of str to ndarray
        Initializers by name. int4 is unpacked to int8 and named in `narrow`.
    refused : mapping of str to str
        Initializers that are not read, and why.
    narrow : frozenset of str
        Constants of four bits.
    inputs, outputs : tuple of Port
    opset : int
        Version of the operators.
    producer : str
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, AnyArray]
    refused: Mapping[str, str]
    narrow: frozenset[str]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    producer: str


def parse(raw: bytes, folder: Path | None = None) -> Model:
    """Read a file.

    Parameters
    ----------
    raw : bytes
    folder : Path, optional
        Where the file lies: tensors may be stored in further files beside or below it.

    Raises
    ------
    ModelError
        The bytes are not a sound .onnx file.
    UnsupportedError
        They need a feature of the format that qembed does not read.
    ToolError
        The Python package `onnx` is missing.
    """
    onnx = _package()
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(raw)
    except Exception as error:  # the parser's own class differs between its implementations
        raise ModelError(f"this is not a sound .onnx model ({_short(error)})") from None
    if not proto.graph.node or not proto.ir_version:
        raise ModelError("the file contains no graph")
    if proto.functions:
        raise UnsupportedError("the file defines functions of its own; inline them first")
    if proto.graph.sparse_initializer:
        raise UnsupportedError("the file stores tensors sparse")
    constants, refused, narrow = _initializers(onnx, proto.graph, folder)
    ports = [_port(onnx, port) for port in proto.graph.input]
    return Model(
        nodes=tuple(_node(onnx, i, node, folder) for i, node in enumerate(proto.graph.node)),
        constants=constants,
        refused=refused,
        narrow=frozenset(narrow),
        inputs=tuple(port for port in ports if port.name not in constants),
        outputs=tuple(_port(onnx, port) for port in proto.graph.output),
        opset=_opset(proto),
        producer=f"{_text(proto.producer_name)} {_text(proto.producer_version)}".strip(),
    )


def _package() -> Any:
    try:
        return importlib.import_module("onnx")
    except ImportError:
        raise ToolError("reading .onnx models needs the package onnx: qembed[onnx]") from None


def _short(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:100] if text else type(error).__name__


def _opset(proto: Any) -> int:
    versions = {_text(entry.domain): int(entry.version) for entry in proto.opset_import}
    unknown = sorted(set(versions) - set(DOMAINS))
    used = {_text(node.domain) for node in proto.graph.node}
    for domain in unknown:
        if domain in used:
            raise UnsupportedError(f"operators of the domain '{domain}' are not supported")
    version = versions.get("", versions.get("ai.onnx", 0))
    if not OLDEST_OPSET <= version <= NEWEST_OPSET:
        raise UnsupportedError(
            f"the file uses operator set {version}; {OLDEST_OPSET} to {NEWEST_OPSET} are known"
        )
    return version


def _initializers(
    onnx: Any, graph: Any, folder: Path | None
) -> tuple[dict[str, AnyArray], dict[str, str], list[str]]:
    constants: dict[str, AnyArray] = {}
    refused: dict[str, str] = {}
    narrow = []
    for tensor in graph.initializer:
        name = _text(tensor.name)
        try:
            constants[name] = array_of(onnx, tensor, folder)
        except UnsupportedError as error:
            refused[name] = str(error)
            continue
        if tensor.data_type in (onnx.TensorProto.INT4, onnx.TensorProto.UINT4):
            narrow.append(name)
    return constants, refused, narrow


def array_of(onnx: Any, tensor: Any, folder: Path | None) -> AnyArray:
    """Contents of a tensor; the bytes are counted before they are touched."""
    where = f"tensor '{_text(tensor.name)}'"
    dtype = _dtype(onnx, tensor.data_type)
    shape = tuple(int(n) for n in tensor.dims)
    if len(shape) > MAX_RANK or any(n < 0 for n in shape):
        raise ModelError(f"{where} has the shape {shape}")
    four_bits = tensor.data_type in (onnx.TensorProto.INT4, onnx.TensorProto.UINT4)
    count = math.prod(shape)
    size = (count + 1) // 2 if four_bits else count * np.dtype(dtype).itemsize
    if size > MAX_TENSOR_BYTES:
        raise ModelError(f"{where} would take {size} bytes; the limit is {MAX_TENSOR_BYTES}")
    if tensor.data_location == STORED_OUTSIDE:
        raw = _outside(tensor, size, folder)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        return _listed(onnx, tensor, dtype, shape, count)
    if len(raw) != size:
        raise ModelError(f"{where} of shape {shape} needs {size} bytes, the file has {len(raw)}")
    if four_bits:
        return _unpacked(raw, count, tensor.data_type == onnx.TensorProto.INT4).reshape(shape)
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def _listed(onnx: Any, tensor: Any, dtype: str, shape: tuple[int, ...], count: int) -> AnyArray:
    """Contents of a tensor whose numbers are entries of a list."""
    where = f"tensor '{_text(tensor.name)}'"
    fields = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}
    entries = getattr(tensor, fields.get(dtype, "int32_data"))
    if tensor.data_type in (onnx.TensorProto.INT4, onnx.TensorProto.UINT4):
        signed = tensor.data_type == onnx.TensorProto.INT4
        packed = np.array(entries, np.int64).astype(np.uint8).tobytes()
        if len(packed) != (count + 1) // 2:
            raise ModelError(f"{where} of shape {shape} has {len(packed)} bytes")
        return _unpacked(packed, count, signed).reshape(shape)
    if len(entries) != count:
        raise ModelError(f"{where} of shape {shape} has {len(entries)} values")
    if dtype == "float16":
        return np.array(entries, np.int64).astype(np.uint16).view(np.float16).reshape(shape)
    return np.array(entries).astype(dtype).reshape(shape)


def _unpacked(raw: bytes, count: int, signed: bool) -> AnyArray:
    """Return values of four bits, the first one in the low half of a byte."""
    pairs = np.frombuffer(raw, np.uint8)
    nibbles = np.stack([pairs & 15, pairs >> 4], axis=1).reshape(-1)[:count].astype(np.int8)
    return (nibbles ^ 8) - 8 if signed else nibbles


def _dtype(onnx: Any, code: int) -> str:
    kinds = onnx.TensorProto
    known = {
        kinds.FLOAT: "float32",
        kinds.FLOAT16: "float16",
        kinds.DOUBLE: "float64",
        kinds.INT8: "int8",
        kinds.UINT8: "uint8",
        kinds.INT16: "int16",
        kinds.INT32: "int32",
        kinds.INT64: "int64",
        kinds.BOOL: "bool",
        kinds.INT4: "int8",
        kinds.UINT4: "int8",
    }
    if code not in known:
        names = {number: name for name, number in kinds.DataType.items()}
        raise UnsupportedError(f"the type {names.get(code, code)} is not supported")
    return known[code]


def _outside(tensor: Any, size: int, folder: Path | None) -> bytes:
    """Return bytes of a tensor that lies in another file, never outside the model's folder."""
    where = f"tensor '{_text(tensor.name)}'"
    entries = {_text(entry.key): _text(entry.value) for entry in tensor.external_data}
    if folder is None:
        raise UnsupportedError(f"{where} is stored in another file")
    try:
        root = folder.resolve()
        path = (root / entries.get("location", "")).resolve()
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(size)))
        if not path.is_relative_to(root):
            raise ModelError(f"{where} is stored outside the model's folder, which is not allowed")
        if not path.is_file() or offset < 0 or length != size:
            raise ModelError(f"{where} needs {size} bytes of '{entries.get('location', '')}'")
        with path.open("rb") as file:
            file.seek(offset)
            found: bytes = file.read(size)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its location is damaged"
        raise ModelError(f"{where}, stored in another file, cannot be read: {reason}") from None
    return found


def _node(onnx: Any, index: int, proto: Any, folder: Path | None) -> Node:
    attributes = {}
    for attribute in proto.attribute:
        name = _text(attribute.name)
        value = _attribute(onnx, attribute, folder)
        if not isinstance(value, KINDS.get(name, object)):
            raise ModelError(f"attribute {name} of node {index} is of another type than it must be")
        if value is not None:
            attributes[name] = value
    return Node(
        code=_text(proto.op_type),
        name=_text(proto.name),
        index=index,
        inputs=tuple(map(_text, proto.input)),
        outputs=tuple(map(_text, proto.output)),
        attributes=attributes,
    )


def _attribute(onnx: Any, attribute: Any, folder: Path | None) -> Any:
    """Return a number, text, tuple of numbers or array; None for what qembed does not read."""
    kinds = onnx.AttributeProto
    readers: dict[int, Callable[[Any], Any]] = {
        kinds.FLOAT: lambda a: float(a.f),
        kinds.INT: lambda a: int(a.i),
        kinds.STRING: lambda a: _text(a.s),
        kinds.INTS: lambda a: tuple(int(n) for n in a.ints),
        kinds.FLOATS: lambda a: tuple(float(n) for n in a.floats),
        kinds.TENSOR: lambda a: array_of(onnx, a.t, folder),
    }
    return readers[attribute.type](attribute) if attribute.type in readers else None


def _text(text: str | bytes) -> str:
    """Return text of a file, which may hold any bytes."""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _port(onnx: Any, proto: Any) -> Port:
    if not proto.type.HasField("tensor_type"):
        raise UnsupportedError(f"'{_text(proto.name)}' is not a tensor")
    kind = proto.type.tensor_type
    names = {number: name.lower() for name, number in onnx.TensorProto.DataType.items()}
    dtype = names.get(kind.elem_type, "unknown")
    with contextlib.suppress(UnsupportedError):  # who needs the type will say so
        dtype = dtype if dtype.endswith("int4") else _dtype(onnx, kind.elem_type)
    shape = None
    if kind.HasField("shape"):
        shape = tuple(
            int(axis.dim_value) if axis.HasField("dim_value") else None for axis in kind.shape.dim
        )
    return Port(_text(proto.name), dtype, shape)
