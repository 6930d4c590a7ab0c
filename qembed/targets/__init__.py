"""Targets: what a chip can do, as data. One TOML file each; adding one touches nothing else."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qembed.errors import QembedError

LEVELS = ("speed", "balanced", "size")
"""What an export can be optimized for: fewest instructions, fewest bytes, or fast kernels in
otherwise small code."""

_TEXTS = ("description", "toolchain", "compiler", "optimize")
_LISTS = ("packages", "cflags", "variants")
_NUMBERS = ("alignment", "flash_bytes", "ram_bytes")


@dataclass(frozen=True, slots=True)
class Target:
    """One target, as its TOML file describes it.

    Attributes
    ----------
    name : str
        Stem of its file.
    description : str
        For people.
    toolchain : str
        Prefix of the toolchain's programs, such as ``arm-none-eabi-``; empty for the host's.
    packages : tuple of str
        Debian packages of the toolchain.
    cflags : tuple of str
        What the compiler must be told of this chip, and how to optimize.
    variants : tuple of str
        Kernel variants to use, the best first. "portable" fits every layer.
    compiler : str
        Name of the C compiler without the prefix.
    optimize : str
        One of `LEVELS`: what flags and variants were chosen for.
    alignment : int
        Of the arena and everything in it, in bytes: a power of two.
    flash_bytes, ram_bytes : int, optional
        Budgets of the model alone. An export that exceeds one fails.
    """

    name: str
    description: str
    toolchain: str
    packages: tuple[str, ...]
    cflags: tuple[str, ...]
    variants: tuple[str, ...]
    compiler: str = "gcc"
    optimize: str = LEVELS[0]
    alignment: int = 4
    flash_bytes: int | None = None
    ram_bytes: int | None = None

    @property
    def cc(self) -> str:
        """The C compiler's program."""
        return self.toolchain + self.compiler


def list_targets() -> tuple[str, ...]:
    """Names of all targets that come with qembed, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.toml")))


def load_target(name: str, optimize: str | None = None) -> Target:
    """Read a target.

    Parameters
    ----------
    name : str
        A name of `list_targets`, or the path of a TOML file of your own (it ends in ``.toml``).
    optimize : str, optional
        One of `LEVELS`; by default what the file says.

    Raises
    ------
    QembedError
        If there is no such target (the message gives the nearest names), or its file is wrong.
    """
    own = name.endswith(".toml")
    path = Path(name) if own else Path(__file__).parent / f"{name}.toml"
    if not own and name not in list_targets():
        near = difflib.get_close_matches(name, list_targets(), n=3, cutoff=0.4)
        hint = (
            f"did you mean {' or '.join(near)}"
            if near
            else "targets are " + ", ".join(list_targets())
        )
        raise QembedError(f"there is no target '{name}'; {hint}")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return _target(path.stem, _at_level(data, optimize))
    except OSError as error:
        raise QembedError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise QembedError(f"{path}: {error}") from None


def _at_level(data: dict[str, Any], optimize: str | None) -> dict[str, Any]:
    """Resolve the tables of the levels: their flags are added, their variants replace others."""
    level = data.get("optimize", LEVELS[0]) if optimize is None else optimize
    if level not in LEVELS:
        raise ValueError(f"key 'optimize' is {level!r}, must be one of {', '.join(LEVELS)}")
    resolved = {key: value for key, value in data.items() if key not in LEVELS}
    for name in LEVELS:
        table = data.get(name, {})
        if not isinstance(table, dict) or not set(table) <= {"cflags", "variants"}:
            raise ValueError(f"'{name}' must be a table of cflags and variants")
        if name == level:
            flags, more = resolved.get("cflags"), table.get("cflags", [])
            if isinstance(flags, list) and isinstance(more, list):
                resolved["cflags"] = flags + more
            if "variants" in table:
                resolved["variants"] = table["variants"]
    return resolved | {"optimize": level}


def _target(name: str, data: dict[str, Any]) -> Target:
    """Build a target; ValueError says which key is missing, unknown or of a wrong type."""
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key in _TEXTS and isinstance(value, str):
            values[key] = value
        elif key in _LISTS and isinstance(value, list) and all(isinstance(v, str) for v in value):
            values[key] = tuple(value)
        elif key in _NUMBERS and type(value) is int and value > 0:
            values[key] = value
        elif key in (*_TEXTS, *_LISTS, *_NUMBERS):
            raise ValueError(f"key '{key}' has a value of the wrong kind: {value!r}")
        else:
            raise ValueError(f"unknown key '{key}'")
    try:
        target = Target(name=name, **values)
    except TypeError:
        needed = ("description", "toolchain", "packages", "cflags", "variants")
        missing = [key for key in needed if key not in values]
        raise ValueError(f"key '{missing[0]}' is missing") from None
    if target.alignment & (target.alignment - 1) or target.alignment < 4:
        raise ValueError(f"alignment is {target.alignment}, must be a power of two from 4")
    return target
