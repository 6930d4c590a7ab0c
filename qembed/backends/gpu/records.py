"""The records that kernels read, laid out as their C text declares them.

A struct's fields are written down once, in ``kernels/``; this module reads them there.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.backends.gpu.source import text

ALIGNMENT = 16
TYPES = {"int": "i4", "unsigned": "u4", "long long": "i8", "double": "f8"}


@functools.cache
def layout(struct: str) -> np.dtype[np.void]:
    """Return the fields of a struct; a pointer is a "u8"."""
    found = re.search(rf"\bstruct {struct} {{\n(.*?)\n}};", text(), re.DOTALL)
    if found is None:
        raise KeyError(struct)
    body = re.sub(r"//.*", "", found[1])
    fields = [field for line in body.split(";") if line.strip() for field in _fields(line)]
    return np.dtype(fields, align=True)


def _fields(declaration: str) -> list[tuple[Any, ...]]:
    """Names and types of one declaration: ``const int *a, *b`` or ``Operand in[3]``."""
    kind, rest = re.findall(r"^\s*(?:const )?(long long|\w+) (.*)$", declaration, re.DOTALL)[0]
    fields: list[tuple[Any, ...]] = []
    for pointer, name, count in re.findall(r"(\*?)(\w+)(?:\[(\d+)\])?", rest):
        base = "u8" if pointer else TYPES.get(kind) or layout(kind)
        fields.append((name, base, (int(count),)) if count else (name, base))
    return fields


class Blob:
    """Records and arrays, one behind the other, that refer to each other by pointers.

    Attributes
    ----------
    size : int
        In bytes.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0
        self._pointers: list[int] = []

    def array(self, array: NDArray[Any]) -> int:
        """Append an array and return where it lies."""
        return self._append(np.ascontiguousarray(array).tobytes())

    def record(self, struct: str, values: Mapping[str, Any]) -> int:
        """Append a record and return where it lies.

        Parameters
        ----------
        struct : str
        values : mapping
            Of every field: a number; an array, or None, for a pointer; a mapping, or a sequence of
            them, for records within.
        """
        made = np.zeros((), layout(struct))
        pointers: list[int] = []
        self._fill(made, values, 0, pointers)
        start = self._append(made.tobytes())
        self._pointers += [start + at for at in pointers]
        return start

    def bytes_at(self, base: int) -> NDArray[np.uint8]:
        """Return everything as it has to lie at address `base`."""
        blob = np.frombuffer(b"".join(self._parts), np.uint8).copy()
        for at in self._pointers:
            blob[at : at + 8].view(np.uint64)[0] += np.uint64(base)
        return blob

    def _append(self, raw: bytes) -> int:
        start = self.size
        padded = raw + bytes(-len(raw) % ALIGNMENT)
        self._parts.append(padded)
        self.size += len(padded)
        return start

    def _fill(
        self, made: NDArray[Any], values: Mapping[str, Any], at: int, pointers: list[int]
    ) -> None:
        fields = made.dtype.fields
        if fields is None or set(fields) != set(values):
            raise KeyError(f"{made.dtype.names} are not {tuple(values)}")
        for name, value in values.items():
            offset = at + int(fields[name][1])
            if isinstance(value, Mapping):
                self._fill(made[name], value, offset, pointers)
            elif isinstance(value, list):
                for i, item in enumerate(value):
                    size = made[name].dtype.itemsize
                    self._fill(made[name][i : i + 1].reshape(()), item, offset + i * size, pointers)
            elif isinstance(value, np.ndarray):
                made[name] = self.array(value)
                pointers.append(offset)
            else:
                made[name] = 0 if value is None else value
