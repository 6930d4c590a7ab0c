"""Bounds-checked reading of a flatbuffer that nobody has to trust.

Every offset is checked against the file before it is followed. Tables are not walked
recursively, so cycles cannot trap the reader; a budget proportional to the size of the file ends
the reading of files whose parts are shared so often that they unfold into something huge.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.ir import AnyArray

READS_PER_BYTE = 4
SMALLEST_BUDGET = 1 << 16


@dataclass(slots=True)
class Source:
    """The bytes of a file, and how many more of them may be read (counting repeats)."""

    raw: bytes
    budget: int


@dataclass(frozen=True, slots=True)
class Table:
    """A flatbuffer table: its position, and the offset of each of its fields (0: absent)."""

    source: Source
    at: int
    fields: tuple[int, ...]


def source_of(raw: bytes) -> Source:
    """Wrap the bytes of a file."""
    return Source(raw, READS_PER_BYTE * len(raw) + SMALLEST_BUDGET)


def _claim(source: Source, at: int, size: int, what: str) -> None:
    """Refuse a span outside the file, and unfolding without end."""
    if at < 0 or size < 0 or at + size > len(source.raw):
        raise ModelError(
            f"the file is damaged or truncated: {what} at byte {at} lies outside its "
            f"{len(source.raw)} bytes"
        )
    source.budget -= size
    if source.budget < 0:
        raise ModelError("the file is damaged: its parts refer to each other again and again")


def _unpack(source: Source, form: str, at: int, what: str) -> int | float:
    _claim(source, at, struct.calcsize(form), what)
    value: int | float = struct.unpack_from(form, source.raw, at)[0]
    return value


def _follow(source: Source, at: int, what: str) -> int:
    """Position that the offset stored at `at` points to."""
    return at + int(_unpack(source, "<I", at, what))


def table_at(source: Source, at: int) -> Table:
    """Read the table whose position is stored at `at`."""
    at = _follow(source, at, "a table")
    vtable = at - int(_unpack(source, "<i", at, "a table"))
    size = int(_unpack(source, "<H", vtable, "a table's layout"))
    if size < 4 or size % 2:
        raise ModelError(f"the file is damaged: a table's layout at byte {vtable} has size {size}")
    _claim(source, vtable, size, "a table's layout")
    return Table(source, at, struct.unpack_from(f"<{size // 2 - 2}H", source.raw, vtable + 4))


def field_position(table: Table, slot: int) -> int | None:
    """Where field number `slot` is stored, or None if it is absent."""
    offset = table.fields[slot] if slot < len(table.fields) else 0
    return table.at + offset if offset else None


def scalar(table: Table, slot: int, form: str, default: int | float) -> int | float:
    """Value of a scalar field; `form` as in `struct`, without byte order."""
    at = field_position(table, slot)
    return default if at is None else _unpack(table.source, "<" + form, at, "a number")


def child(table: Table, slot: int) -> Table | None:
    """Table that a field refers to."""
    at = field_position(table, slot)
    return None if at is None else table_at(table.source, at)


def _vector(table: Table, slot: int, itemsize: int) -> tuple[int, int]:
    """(first byte, number of items) of a vector field, within the file; (0, 0) if absent."""
    at = field_position(table, slot)
    if at is None:
        return 0, 0
    start = _follow(table.source, at, "a vector")
    count = int(_unpack(table.source, "<I", start, "a vector"))
    _claim(table.source, start + 4, count * itemsize, f"a vector of {count} items")
    return start + 4, count


def children(table: Table, slot: int) -> list[Table]:
    """Tables that a vector field refers to."""
    start, count = _vector(table, slot, 4)
    return [table_at(table.source, start + 4 * i) for i in range(count)]


def array(table: Table, slot: int, dtype: str) -> AnyArray:
    """Vector of numbers, read-only and without a copy; empty if absent."""
    kind = np.dtype(dtype).newbyteorder("<")
    start, count = _vector(table, slot, kind.itemsize)
    numbers: NDArray[np.generic] = np.frombuffer(table.source.raw, kind, count, start)
    return numbers


def text(table: Table, slot: int) -> str:
    """Return a string; bytes that are not UTF-8 are replaced; empty if absent."""
    start, count = _vector(table, slot, 1)
    return table.source.raw[start : start + count].decode("utf-8", "replace")
