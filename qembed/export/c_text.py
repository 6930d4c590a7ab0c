"""Values as C text. The only place where numbers and names become source code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from qembed.errors import QembedError
from qembed.export.lowering import CArray, Value
from qembed.ir import DType

COLUMNS = 100
MAX_PREFIX = 40

C_TYPES: dict[DType, str] = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
    "bool": "uint8_t",
}

# Headers of C and POSIX, which `<prefix>.h` would hide, and target names that CMake keeps.
_TAKEN = re.compile(
    "assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign"
    "|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|tgmath|threads"
    "|time|uchar|unistd|wchar|wctype|all|clean|help|install|package|test"
)


def sanitize_prefix(text: str) -> str:
    """Make a prefix for C names out of any text: ``[a-z][a-z0-9_]*``, at most 40 characters."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not words or not words[0].isalpha() or words.startswith("qe_") or _TAKEN.fullmatch(words):
        words = f"model_{words}".rstrip("_")
    return words[:MAX_PREFIX].rstrip("_")


def check_prefix(prefix: str) -> str:
    """Return a prefix that a user chose, if it serves.

    Raises
    ------
    QembedError
        Otherwise, with one that would.
    """
    if sanitize_prefix(prefix) != prefix:
        raise QembedError(
            f"'{comment(prefix)}' cannot begin C names; take lower-case letters, digits and "
            f"single underscores, such as '{sanitize_prefix(prefix)}'"
        )
    return prefix


def comment(text: str) -> str:
    """Text from a model, made harmless inside a C comment, a Markdown line or a message."""
    return re.sub(r"[^A-Za-z0-9 .,:;=+\-/_()\[\]]", "_", text)[:80]


def integer(value: int, c_type: str = "int32_t") -> str:
    """Write an integer constant that has exactly this value in C."""
    if c_type == "int64_t":
        # The most negative number has no literal: its digits would not fit before the sign.
        return "INT64_MIN" if value == -(2**63) else f"INT64_C({value})"
    if value == -(2**31):
        return "INT32_MIN"
    return f"{value}u" if value > 2**31 - 1 else str(value)


def real(value: float) -> str:
    """Write a float32 constant exactly, in hexadecimal digits."""
    if not np.isfinite(value) or float(np.float32(value)) != value:
        raise ValueError(f"{value} is no finite float32")
    return f"{float(value).hex()}f"


def array_values(name: str, array: CArray) -> dict[str, Any]:
    """Describe a constant array to a template."""
    return {
        "name": name,
        "c_type": f"QE_ROM {array.c_type}" if array.rom else array.c_type,
        "shape": list(array.values.shape),
        "size": array.values.size,
        "lines": array_lines(array),
    }


def array_lines(array: CArray) -> list[str]:
    """Write the elements of an array, in lines."""
    values = array.values.reshape(-1)
    if array.c_type == "float":
        texts: Iterable[str] = map(real, values.tolist())
    else:
        _require_range(array)
        texts = (integer(value, array.c_type) for value in values.tolist())
    return wrapped(f"{text}," for text in texts)


def wrapped(words: Iterable[str]) -> list[str]:
    """Words in lines that are indented by four columns."""
    return textwrap.wrap(
        " ".join(words), COLUMNS - 4, break_long_words=False, break_on_hyphens=False
    )


def member_lines(key: str, value: Value, array_names: Mapping[int, str]) -> list[str]:
    """Lines that initialize a struct member; `array_names` is by id of the array."""
    text = f".{key} = {_initializer(value, array_names)},"
    if len(text) <= COLUMNS - 4:
        return [text]
    if isinstance(value, Mapping):
        inner = [line for k, v in value.items() for line in member_lines(k, v, array_names)]
        return [f".{key} = {{", *(f"    {line}" for line in inner), "},"]
    return textwrap.wrap(text, COLUMNS - 4, subsequent_indent="    ")


def _initializer(value: Value, array_names: Mapping[int, str]) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, CArray):
        return array_names[id(value)]
    if isinstance(value, Mapping):
        members = (f".{key} = {_initializer(v, array_names)}" for key, v in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, tuple):
        return "{" + ", ".join(integer(int(v)) for v in value) + "}"
    if isinstance(value, (float, np.floating)):
        return real(float(value))
    return integer(int(value))


def call(function: str, arguments: Iterable[str]) -> list[str]:
    """Write a call as lines, continued below the first argument."""
    text = f"{function}({', '.join(arguments)});"
    indent = " " * (len(function) + 1)
    return textwrap.wrap(text, COLUMNS - 4, subsequent_indent=indent, break_long_words=False)


def element_bytes(c_type: str) -> int:
    """Size of an element of a constant array."""
    return int(np.dtype(_NUMPY[c_type]).itemsize)


_NUMPY: dict[str, Any] = {
    "int8_t": np.int8,
    "uint8_t": np.uint8,
    "int16_t": np.int16,
    "uint16_t": np.uint16,
    "int32_t": np.int32,
    "uint32_t": np.uint32,
    "int64_t": np.int64,
    "float": np.float32,
}


def _require_range(array: CArray) -> None:
    limits = np.iinfo(_NUMPY[array.c_type])
    values = array.values
    if values.size and not (limits.min <= int(values.min()) and int(values.max()) <= limits.max):
        raise ValueError(f"array '{array.suffix}' does not fit {array.c_type}")
