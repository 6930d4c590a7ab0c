"""Sizes of compiled C, read from the object files: needs a compiler, no other tool."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qembed.errors import ToolError
from qembed.targets import Target

COMPILE_SECONDS = 300
FLAGS = ("-std=c99", "-ffunction-sections", "-fdata-sections")

# ELF: section types and flags.
_NOBITS = 8
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a model and its kernels as compiled, before the linker drops what is unused.

    Attributes
    ----------
    compiler : str
        First line of its ``--version``.
    code : int
        Instructions.
    constants : int
        Read-only data without the weights: parameters and tables of the kernels.
    weights : int
        The model's constant arrays.
    data : int
        Variables, zero or not; the arena is not among them.
    """

    compiler: str
    code: int
    constants: int
    weights: int
    data: int

    @property
    def flash(self) -> int:
        """Bytes of flash; variables that do not start at zero are rare enough to be counted too."""
        return self.code + self.constants + self.weights


def measure(
    files: Mapping[str, bytes],
    sources: Collection[str],
    include_dirs: Collection[str],
    weights: Collection[str],
    target: Target,
) -> Sizes | None:
    """Compile the sources of a model for its target; None where the compiler is not installed.

    Parameters
    ----------
    files, sources, include_dirs
        As in `ModelSources`.
    weights : collection of str
        Names of the arrays that count as weights.

    Raises
    ------
    ToolError
        If the compiler is there and fails.
    """
    if shutil.which(target.cc) is None:
        return None
    with tempfile.TemporaryDirectory(prefix="qembed-") as folder:
        root = Path(folder)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        includes = [f"-I{name}" for name in include_dirs]
        flags = [*FLAGS, *target.cflags, *includes]
        totals = dict.fromkeys(("code", "constants", "weights", "data"), 0)
        for i, source in enumerate(sources):
            _run([target.cc, *flags, "-c", source, "-o", f"{i}.o"], root)
            for name, kind, size in _sections((root / f"{i}.o").read_bytes()):
                is_weights = kind == "constants" and name.rpartition(".")[2] in weights
                totals["weights" if is_weights else kind] += size
        version = _run([target.cc, "--version"], root).splitlines()[0]
    return Sizes(version, **totals)


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        first = (error.stderr.strip().splitlines() or ["no message"])[0]
        raise ToolError(f"{command[0]} failed: {first}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{command[0]} did not run: {error}") from None
    return done.stdout


def _sections(elf: bytes) -> Iterator[tuple[str, str, int]]:
    """Name, kind and size of every section of an object file that takes memory on the chip."""
    if elf[:4] != b"\x7fELF":
        raise ToolError("the compiler's object files are not ELF: their sizes cannot be read")
    wide, order = elf[4] == 2, "<" if elf[5] == 1 else ">"
    at = struct.unpack_from(order + ("Q" if wide else "I"), elf, 40 if wide else 32)[0]
    each, count, names = struct.unpack_from(order + "HHH", elf, 58 if wide else 46)
    word = "Q" if wide else "I"
    headers = [
        struct.unpack_from(f"{order}II{word}{word}{word}{word}", elf, at + i * each)
        for i in range(count)
    ]
    text = headers[names][4]
    for name, kind, flags, _address, _offset, size in headers:
        if flags & _ALLOC and size:
            end = elf.index(b"\0", text + name)
            label = elf[text + name : end].decode()
            yield label, _kind(label, kind, flags), size


def _kind(label: str, kind: int, flags: int) -> str:
    if flags & _EXECUTE:
        return "code"
    if label.startswith(".data.rel.ro"):  # constants with addresses in position-independent code
        return "constants"
    return "data" if flags & _WRITE or kind == _NOBITS else "constants"
