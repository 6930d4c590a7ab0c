"""Boards: where a firmware runs. Each is one folder with a ``board.toml``; this module reads them.

The folder of a board holds everything that is particular to it; pieces that several boards share
(`shared` in the file) come from ``boards/_common``. docs/adding-a-board.md explains every key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from qembed.errors import QembedError
from qembed.resources import firmware_templates
from qembed.targets import Target, load_target

REGIONS = ("flash_origin", "flash_bytes", "ram_origin", "ram_bytes", "stack_bytes")


@dataclass(frozen=True, slots=True)
class Memory:
    """Where code and data go, in bytes. `stack_bytes` is the least that must stay free in RAM."""

    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    stack_bytes: int


@dataclass(frozen=True, slots=True)
class Counter:
    """What `qe_port_count` counts: a difference of its values times `per_tick` is in `unit`.

    `hertz` is its rate, where it is a clock of a known one; else 0.
    """

    unit: str
    per_tick: Fraction
    hertz: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """How the verification link fits the board.

    Attributes
    ----------
    window_bytes : int
        How much the board can receive while it is busy with an inference.
    defines : tuple of str
        C definitions that size the link's buffers, such as ``QE_LINK_FRAME_BYTES=256``.
    stack_low : str
        Symbol of the linker at the lowest address of the stack; empty where an operating system
        gives the stack, which then is not watched.
    """

    window_bytes: int
    defines: tuple[str, ...]
    stack_low: str = ""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A program that runs a firmware and speaks the link on its standard input and output.

    Attributes
    ----------
    command : tuple of str
        Program and arguments; ``{elf}`` stands for the firmware's path, ``{runner}`` for that of
        the compiled `runner`.
    package : str
        Debian package of the program or of the runner's libraries; empty if none is needed.
    runner : str
        C file of ``firmware_templates/emulation`` to compile for the host; empty for none.
    libraries : tuple of str
        What to link the runner with.
    plugin_option : str
        Option that loads a QEMU plugin; empty if the program takes none.
    """

    command: tuple[str, ...]
    package: str = ""
    runner: str = ""
    libraries: tuple[str, ...] = ()
    plugin_option: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One board, as its ``board.toml`` describes it.

    Attributes
    ----------
    name : str
        Name of its folder.
    target : Target
        What its chip can do, and which compiler builds for it.
    files : tuple of Path
        Everything that goes into a firmware's ``board`` folder.
    linker : str
        Program that links if the compiler cannot; empty if it can.
    linker_script : str
        Name of one of `files`, or empty.
    memory : Memory, optional
        None where an operating system gives memory.
    emulator : Emulator, optional
        None for a board that exists as hardware alone.
    """

    name: str
    description: str
    target: Target
    files: tuple[Path, ...]
    linker: str
    linker_script: str
    ldflags: tuple[str, ...]
    memory: Memory | None
    emulator: Emulator | None
    link: Link
    counter: Counter

    @property
    def counts(self) -> str:
        """What `qembed bench` measures here: of the emulator, if it counts, else of the counter."""
        if self.emulator is not None and self.emulator.plugin_option:
            return "instructions"
        return self.counter.unit


def list_boards() -> tuple[str, ...]:
    """Names of all boards that come with qembed, sorted."""
    return tuple(sorted(path.parent.name for path in _root().glob("*/board.toml")))


def load_board(name: str, optimize: str | None = None) -> Board:
    """Read a board.

    Parameters
    ----------
    name : str
        A name of `list_boards`, or the path of a folder with a ``board.toml`` of your own; a path
        contains a slash.
    optimize : str, optional
        What to optimize firmwares for: see `qembed.targets.LEVELS`.

    Raises
    ------
    QembedError
        If there is no such board (the message gives the nearest names), or its file is wrong.
    """
    folder = Path(name) if "/" in name else _root() / name
    path = folder / "board.toml"
    if not path.is_file():
        raise QembedError(_unknown(name))
    try:
        data = tomllib.loads(path.read_text())
        return _board(folder, data, optimize)
    except (ValueError, TypeError) as error:
        raise QembedError(f"{path}: {error}") from None


def _root() -> Path:
    return firmware_templates() / "boards"


def _unknown(name: str) -> str:
    if "/" in name:
        return f"folder '{name}' holds no board.toml"
    near = difflib.get_close_matches(name, list_boards(), n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}" if near else f"boards are {', '.join(list_boards())}"
    return f"there is no board '{name}'; {hint}"


def _board(folder: Path, data: dict[str, Any], optimize: str | None) -> Board:
    take = _Taker(data, "")
    board = Board(
        name=folder.resolve().name,
        description=take.text("description"),
        target=load_target(take.text("target"), optimize),
        files=_files(folder, take.texts("shared", optional=True)),
        linker=take.text("linker", optional=True),
        linker_script=take.text("linker_script", optional=True),
        ldflags=take.texts("ldflags", optional=True),
        memory=_memory(take.table("memory", optional=True)),
        emulator=_emulator(take.table("emulator", optional=True)),
        link=_link(take.table("link")),
        counter=_counter(take.table("counter")),
    )
    take.finish()
    if board.linker_script and board.linker_script not in {file.name for file in board.files}:
        raise ValueError(f"there is no linker script '{board.linker_script}'")
    return board


def _files(folder: Path, shared: tuple[str, ...]) -> tuple[Path, ...]:
    own = [p for p in sorted(folder.iterdir()) if p.is_file() and p.name != "board.toml"]
    common = [_root() / "_common" / name for name in shared]
    for path in common:
        if not path.is_file():
            raise ValueError(f"shared file '{path.name}' is not in boards/_common")
    names = [path.name for path in (*own, *common)]
    if len(set(names)) != len(names):
        raise ValueError("a file of the board and a shared file have the same name")
    return (*own, *common)


def _memory(table: dict[str, Any] | None) -> Memory | None:
    if table is None:
        return None
    take = _Taker(table, "memory.")
    memory = Memory(**{key: take.number(key) for key in REGIONS})
    take.finish()
    return memory


def _emulator(table: dict[str, Any] | None) -> Emulator | None:
    if table is None:
        return None
    take = _Taker(table, "emulator.")
    emulator = Emulator(
        command=take.texts("command"),
        package=take.text("package", optional=True),
        runner=take.text("runner", optional=True),
        libraries=take.texts("libraries", optional=True),
        plugin_option=take.text("plugin_option", optional=True),
    )
    take.finish()
    if not emulator.command:
        raise ValueError("emulator.command is empty")
    return emulator


def _link(table: dict[str, Any] | None) -> Link:
    take = _Taker(table or {}, "link.")
    link = Link(
        take.number("window_bytes"),
        take.texts("defines", optional=True),
        take.text("stack_low", optional=True),
    )
    take.finish()
    if link.stack_low and not re.fullmatch(r"[A-Za-z_]\w*", link.stack_low, re.ASCII):
        raise ValueError("link.stack_low is not a C identifier")
    return link


def _counter(table: dict[str, Any] | None) -> Counter:
    take = _Taker(table or {}, "counter.")
    unit, ratio = take.text("unit"), take.value("per_tick", list)
    hertz = take.value("hertz", int, 0)
    take.finish()
    if len(ratio) != 2 or not all(isinstance(n, int) and n > 0 for n in ratio):
        raise ValueError("counter.per_tick is not a pair of positive integers")
    if hertz < 0 or hertz > 0xFFFFFFFF:
        raise ValueError("counter.hertz is not a rate of up to 2**32")
    return Counter(unit, Fraction(*ratio), hertz)


class _Taker:
    """Takes typed values out of a table and, at the end, objects to what nobody took."""

    def __init__(self, table: dict[str, Any], prefix: str) -> None:
        self._left, self._prefix = dict(table), prefix

    def value(self, key: str, kind: type, default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if type(value) is not kind:
            got = "missing" if value is None else type(value).__name__
            raise ValueError(f"{self._prefix}{key} must be of type {kind.__name__}, it is {got}")
        return value

    def text(self, key: str, optional: bool = False) -> str:
        return str(self.value(key, str, "" if optional else None))

    def texts(self, key: str, optional: bool = False) -> tuple[str, ...]:
        values = self.value(key, list, [] if optional else None)
        if not all(isinstance(value, str) for value in values):
            raise ValueError(f"{self._prefix}{key} must be a list of strings")
        return tuple(values)

    def number(self, key: str) -> int:
        value = int(self.value(key, int))
        if value < 0:
            raise ValueError(f"{self._prefix}{key} is negative")
        return value

    def table(self, key: str, optional: bool = False) -> dict[str, Any] | None:
        if optional and key not in self._left:
            return None
        return dict(self.value(key, dict))

    def finish(self) -> None:
        if self._left:
            raise ValueError(f"unknown key '{self._prefix}{next(iter(self._left))}'")
