"""The text of all kernels: one program, compiled once for each type of GPU."""

from __future__ import annotations

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "kernels"
OPTIONS = ("-std=c++17",)
"""Of the compiler. Floating point is as IEEE 754 has it unless told otherwise."""

_CASE = re.compile(r"^    (\w+)_,$", re.MULTILINE)


@functools.cache
def text() -> str:
    """Return the program. What is used comes before its user; messages name file and line."""
    files = sorted(FOLDER.glob("*.cu*"), key=_order)
    return "\n".join(f'#line 1 "{path.name}"\n{path.read_text(encoding="utf-8")}' for path in files)


def _order(path: Path) -> tuple[int, str]:
    first = path.name != "common.cuh"
    return (first + (path.suffix == ".cu") + (path.stem == "network"), path.name)


@functools.cache
def network_kernels() -> dict[str, int]:
    """Return the number of each kernel that a network in one launch may contain."""
    names = _CASE.findall((FOLDER / "network.cu").read_text(encoding="utf-8"))
    return {name: number for number, name in enumerate(names, start=1)}
