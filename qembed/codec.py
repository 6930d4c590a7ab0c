"""Frozen dataclasses to a JSON document with arrays beside it, and back, led by their types.

A dataclass becomes an object of its fields, a tuple a list, an array the key under which it is
stored; a field that has its default value is left out. Nothing here knows a particular class, so
a new operator needs no code of its own.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import operator
import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray
from qembed.ir import Node as GraphNode
from qembed.ops import OPERATORS

INT64 = 1 << 63

StoreArray = Callable[[AnyArray, str], str]
"""Takes an array and its path in the document; returns the key to write for it."""
FetchArray = Callable[[str], AnyArray | None]
"""Takes such a key; returns the array, or None where there is none."""


@functools.cache
def _fields(cls: Any) -> dict[str, tuple[Any, Any]]:
    """Type and default of each field; `dataclasses.MISSING` if it has none."""
    hints = get_type_hints(cls)
    table = {}
    for field in dataclasses.fields(cls):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        table[field.name] = (hints[field.name], default)
    return table


def encode(value: Any, hint: Any, path: str, store: StoreArray) -> Any:
    """Return the JSON form of `value`, an instance of the type `hint`."""
    kind, arguments = _kind(hint)
    if kind is Union:
        return None if value is None else encode(value, _some(arguments), path, store)
    if kind is np.ndarray:
        return store(value, path)
    if kind is tuple:
        hints = _element_hints(arguments, len(value))
        return [
            encode(v, h, f"{path}.{i}", store)
            for i, (v, h) in enumerate(zip(value, hints, strict=True))
        ]
    if dataclasses.is_dataclass(kind):
        return encode_fields(value, path, store)
    if kind is int:
        return operator.index(value)
    if kind is float:
        return float(value)
    if kind is dict:
        return dict(value)
    return value


def encode_fields(value: Any, path: str, store: StoreArray) -> dict[str, Any]:
    """Return a dataclass instance as an object without the fields at their default."""
    document = {}
    cls: Any = type(value)
    for name, (hint, default) in _fields(cls).items():
        part = getattr(value, name)
        if part is default or (not isinstance(part, np.ndarray) and part == default):
            continue
        if isinstance(value, GraphNode) and name == "params":
            hint = OPERATORS[value.op].params
        document[name] = encode(part, hint, f"{path}.{name}" if path else name, store)
    return document


def decode(document: Any, hint: Any, path: str, fetch: FetchArray) -> Any:
    """Return the instance of `hint` that a JSON document describes.

    Raises
    ------
    ModelError
        At the first value that is not of its field's type, saying where.
    """
    kind, arguments = _kind(hint)
    if kind is Union:
        if document is None:
            return None
        return decode(document, _some(arguments), path, fetch)
    if kind is np.ndarray:
        return _decode_array(document, arguments, path, fetch)
    if kind is tuple:
        _require(isinstance(document, list), path, "a list", document)
        hints = _element_hints(arguments, len(document))
        _require(len(hints) == len(document), path, f"a list of {len(hints)}", document)
        return tuple(
            decode(part, h, f"{path}.{i}", fetch)
            for i, (part, h) in enumerate(zip(document, hints, strict=True))
        )
    if dataclasses.is_dataclass(kind):
        return _decode_fields(document, kind, path, fetch)
    if kind is Literal:
        _require(
            isinstance(document, str) and document in arguments,
            path,
            f"one of {', '.join(arguments)}",
            document,
        )
        return document
    return _decode_plain(document, kind, path)


def _decode_plain(document: Any, kind: Any, path: str) -> Any:
    if kind is float:
        number = isinstance(document, (int, float)) and not isinstance(document, bool)
        _require(number and abs(document) < 1e300, path, "a finite number", document)
        return float(document)
    if kind is int:
        whole = isinstance(document, int) and not isinstance(document, bool)
        _require(whole and -INT64 <= document < INT64, path, "a 64-bit integer", document)
    elif kind is bool:
        _require(isinstance(document, bool), path, "true or false", document)
    elif kind is str:
        _require(isinstance(document, str), path, "a string", document)
    elif kind is dict:
        texts = isinstance(document, dict) and all(isinstance(v, str) for v in document.values())
        _require(texts, path, "an object of strings", document)
    else:
        raise TypeError(f"no codec for {kind} at {path}")
    return document


def _decode_fields(document: Any, cls: Any, path: str, fetch: FetchArray) -> Any:
    _require(isinstance(document, dict), path, "an object", document)
    fields = _fields(cls)
    for name in document:
        if name not in fields:
            raise ModelError(f"{_at(path)} has an unknown entry '{_brief(name)}'")
    values: dict[str, Any] = {}
    for name, (hint, default) in fields.items():
        if name in document:
            if cls is GraphNode and name == "params":
                hint = _params_of(values["op"], path)
            inner = f"{path}.{name}" if path else name
            values[name] = decode(document[name], hint, inner, fetch)
        elif default is dataclasses.MISSING:
            raise ModelError(f"{_at(path)} lacks the entry '{name}'")
    return cls(**values)


def _params_of(op: str, path: str) -> type:
    if op not in OPERATORS:
        near = difflib.get_close_matches(op, OPERATORS, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}" if near else ""
        raise ModelError(f"{_at(path)} has the unknown operator '{_brief(op)}'{hint}")
    return OPERATORS[op].params


def _decode_array(key: Any, arguments: tuple[Any, ...], path: str, fetch: FetchArray) -> AnyArray:
    _require(isinstance(key, str), path, "the key of an array", key)
    array = fetch(key)
    if array is None:
        raise ModelError(f"{_at(path)} refers to array '{_brief(key)}', which the file lacks")
    (wanted,) = get_args(arguments[1])
    if wanted is not Any and array.dtype != np.dtype(wanted):
        raise ModelError(f"{_at(path)} is {array.dtype.name}, must be {np.dtype(wanted).name}")
    if array.dtype.kind not in "biuf":
        raise ModelError(f"{_at(path)} is {array.dtype.name}, must be numbers")
    if array.dtype.kind == "f" and not bool(np.all(np.isfinite(array))):
        raise ModelError(f"{_at(path)} holds a NaN or an infinity")
    return array


def _kind(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the constructor of a type and its arguments; both spellings of a union alike."""
    kind = get_origin(hint) or hint
    return (Union if kind is types.UnionType else kind), get_args(hint)


def _some(arguments: tuple[Any, ...]) -> Any:
    """Return X of `X | None`."""
    (hint,) = (a for a in arguments if a is not type(None))
    return hint


def _element_hints(arguments: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return (arguments[0],) * length
    return arguments


def _require(fine: bool, path: str, wanted: str, got: Any) -> None:
    if not fine:
        raise ModelError(f"{_at(path)} is {_brief(got)}, must be {wanted}")


def _at(path: str) -> str:
    return path or "the document"


def _brief(value: Any) -> str:
    """Show a foreign value in one short printable line."""
    text = value if isinstance(value, str) else type(value).__name__
    if isinstance(value, (int, float)) and abs(value) < 1e30:
        text = str(value)
    text = text.encode("unicode_escape", "backslashreplace").decode()
    return text if len(text) <= 40 else text[:37] + "..."
