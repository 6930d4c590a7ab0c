"""Compile an exported firmware and measure it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qembed.boards import Board
from qembed.device.callgraph import stack_bound
from qembed.device.disassembly import pushed_bytes
from qembed.device.elf import SHF_WRITE, SHT_NOBITS, STT_OBJECT, read_elf
from qembed.device.host_tools import cache_folder, require_program
from qembed.errors import ToolError
from qembed.export.firmware import ARENA_SYMBOL, ELF_NAME, FirmwareProject, ModelPart

BUILD_SECONDS = 300.0
"""A compiler that takes longer hangs."""
STACK_COMPLAINT = "qembed: no room for the stack"
"""Stands in an assertion of the linker scripts."""
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a linked firmware.

    Attributes
    ----------
    code : int
        Flash without `weights`: instructions, vectors, other constants, initial values.
    weights : int
        Constant arrays of the models: weights, biases, multipliers, tables.
    data, bss : int
        Initialized and zeroed variables; `bss` includes the arena. On a core that cannot read its
        flash as data, constants are variables too.
    arena : int
    stack : int, optional
        Bound of one inference, from the compiler's report; None if it gives none.
    """

    code: int
    weights: int
    data: int
    bss: int
    arena: int
    stack: int | None

    @property
    def flash(self) -> int:
        """Everything that is kept while the power is off."""
        return self.code + self.weights

    @property
    def ram(self) -> int:
        """Static memory; the stack comes on top."""
        return self.data + self.bss


@dataclass(frozen=True, slots=True)
class Firmware:
    """A linked firmware: `elf` stays where it is until the cache is cleared."""

    elf: Path
    board: Board
    models: tuple[ModelPart, ...]
    sizes: Sizes


def build_firmware(
    project: FirmwareProject,
    *,
    extra_cflags: Sequence[str] = (),
    build_dir: Path | None = None,
) -> Firmware:
    """Compile and link an exported firmware with its board's own compiler.

    Parameters
    ----------
    project : FirmwareProject
    extra_cflags : sequence of str
        Appended to the compiler's flags, such as ``-fsanitize=address``; also used to link.
    build_dir : Path, optional
        Where the result goes. By default the user's cache, under a hash of every file, the flags
        and the compiler's version: what was built once is not built again.

    Raises
    ------
    ToolError
        If the compiler or `make` is not installed, or compiling fails.
    """
    _require_toolchain(project.board)
    if build_dir is None:
        build_dir = cache_folder() / "firmware" / _key(project, extra_cflags)
    elf = build_dir / ELF_NAME
    if not elf.is_file() or not _is_intact(elf):
        _build(project, build_dir, extra_cflags)
    return Firmware(elf, project.board, project.models, _measure(project, elf))


def _is_intact(elf: Path) -> bool:
    """Whether what the cache holds can be read: a full disk may have cut it."""
    try:
        read_elf(elf)
    except ToolError:
        return False
    return True


def _require_toolchain(board: Board) -> None:
    purpose = f"build for board '{board.name}'"
    for program in (board.target.cc, board.linker or board.target.cc):
        require_program(program, purpose, board.target.packages)
    require_program("make", purpose, ("make",))


def _key(project: FirmwareProject, extra_cflags: Sequence[str]) -> str:
    digest = hashlib.sha256()
    version_command = [project.board.target.cc, "--version"]
    version = subprocess.run(version_command, capture_output=True, check=False).stdout
    parts = [version, *(flag.encode() for flag in extra_cflags)]
    for path in project.files:
        parts += [path.encode(), (project.folder / path).read_bytes()]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:32]


def _build(project: FirmwareProject, build_dir: Path, extra_cflags: Sequence[str]) -> None:
    """Build beside `build_dir`, then rename: it exists only if it is complete."""
    build_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=build_dir.parent) as scratch:
        output = Path(scratch) / "out"
        _make(project, output, extra_cflags)
        shutil.rmtree(build_dir, ignore_errors=True)
        try:
            output.rename(build_dir)
        except OSError:
            if not (build_dir / ELF_NAME).is_file():  # else somebody else built the same just now
                raise


def _make(project: FirmwareProject, output: Path, extra_cflags: Sequence[str]) -> None:
    command = [
        "make",
        "--silent",
        f"--directory={project.folder}",
        f"--jobs={os.cpu_count() or 1}",
        f"BUILD={output}",
        f"EXTRA_CFLAGS={' '.join(extra_cflags)}",
    ]
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    try:
        result = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"building for board '{project.board.name}' hangs; {output}") from None
    if result.returncode:
        too_large = _too_large(project, result.stderr)
        raise ToolError(
            too_large
            or f"building for board '{project.board.name}' failed: {_complaint(result.stderr)}"
        )


def _too_large(project: FirmwareProject, stderr: str) -> str:
    """Say by how much a firmware exceeds its board's memory; empty if that is not the trouble."""
    board, memory = project.board, project.board.memory
    if memory is None:
        return ""
    sizes = {"FLASH": memory.flash_bytes, "RAM": memory.ram_bytes}
    faults = [
        f"it needs {sizes[region] + int(beyond)} bytes of {region}, the board has {sizes[region]}"
        for region, beyond in _OVERFLOW.findall(stderr)
        if region in sizes
    ]
    if STACK_COMPLAINT in stderr:
        faults.append(
            f"its data leave less than {memory.stack_bytes} of {memory.ram_bytes} bytes of RAM "
            "for the stack"
        )
    arena = max((m.sources.plan.arena_bytes for m in project.models if m.sources), default=0)
    what = f" (arena: {arena} bytes)" if arena else ""
    if not faults:
        return ""
    return f"the firmware does not fit board '{board.name}': {'; '.join(faults)}{what}"


def _complaint(stderr: str) -> str:
    """Return the line of a build's messages that says most."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for mark in ("undefined reference", "error:", "fatal"):
        for line in lines:
            if mark in line and not line.startswith("collect2"):
                return line.rpartition("/ld: ")[2]
    return lines[0] if lines else "no message"


def _measure(project: FirmwareProject, elf_path: Path) -> Sizes:
    elf = read_elf(elf_path)
    weights = arena = 0
    constants = frozenset[str]().union(*(model.constants for model in project.models))
    for symbol in elf.symbols:
        if symbol.kind == STT_OBJECT and 0 < symbol.section < len(elf.sections):
            if symbol.name == ARENA_SYMBOL:
                arena = symbol.size
            elif symbol.name in constants and elf.sections[symbol.section].in_file:
                weights += symbol.size
    writable = [s for s in elf.sections if s.flags & SHF_WRITE]
    return Sizes(
        code=sum(s.size for s in elf.sections if s.in_file) - weights,
        weights=weights,
        data=sum(s.size for s in writable if s.kind != SHT_NOBITS),
        bss=sum(s.size for s in writable if s.kind == SHT_NOBITS),
        arena=arena,
        stack=stack_bound(
            elf_path.parent,
            [
                f"{model.prefix}_{'push_row' if model.pushed else 'invoke'}"
                for model in project.models
            ],
            without="qe_layer_done",
            pushed=pushed_bytes(elf_path, project.board.target.toolchain),
        ),
    )
