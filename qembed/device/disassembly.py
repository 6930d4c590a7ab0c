"""Machine code as objdump reads it: what the compiler's reports do not tell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qembed.device.elf import EM_ARM, EM_RISCV, STT_FUNC, read_elf
from qembed.device.host_tools import require_program
from qembed.errors import ToolError

_LINE = re.compile(
    r"^[ \t]*([0-9a-f]+):[ \t]+([0-9a-f]{8}|[0-9a-f]{4}(?: [0-9a-f]{4})?)"
    r"[ \t]+(\S+)[ \t]*([^;@<\n]*)",
    re.M,
)
_LOAD_STORE = re.compile(r"^(ldr|str)(d|b|h|sb|sh)?(t|ex)?([a-z]{2})?(\.[nw])?$")
_MULTIPLE = re.compile(r"^(ldm|stm|push|pop|vldm|vstm|vpush|vpop)")
_BRANCH = re.compile(
    r"^(b|bl|bx|blx|cbz|cbnz|tbb|tbh)(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?$"
)
_NO_RESULT = re.compile(
    r"^(cmp|cmn|tst|teq|it|nop|b|cb|tb|str|stm|push|v|dsb|dmb|isb|cps|svc|bkpt)"
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a disassembly: `mnemonic` without width suffix, `operands` as text."""

    address: int
    size: int
    mnemonic: str
    operands: str

    @property
    def is_single_access(self) -> bool:
        """A load or store of one register."""
        match = _LOAD_STORE.match(self.mnemonic)
        return match is not None and match[2] != "d"

    @property
    def is_multiple(self) -> bool:
        """A load or store of a list of registers."""
        return _MULTIPLE.match(self.mnemonic) is not None

    @property
    def is_load(self) -> bool:
        """A load of one register."""
        return self.is_single_access and self.mnemonic.startswith("ldr")

    @property
    def is_branch(self) -> bool:
        """A branch by its name."""
        return _BRANCH.match(self.mnemonic) is not None

    @property
    def writes_pc(self) -> bool:
        """A jump by its destination: ``pop {..., pc}``, ``ldr pc``, ``mov pc``."""
        first = self.operands.partition(",")[0].strip()
        return "pc}" in self.operands or (first == "pc" and not self.is_branch)

    @property
    def address_registers(self) -> frozenset[str]:
        """Registers in its address."""
        inside = re.search(r"\[([^\]]*)", self.operands)
        return registers(inside[1]) if inside else frozenset()

    @property
    def results(self) -> frozenset[str]:
        """Registers that a data operation or a load writes."""
        if _NO_RESULT.match(self.mnemonic):
            return frozenset()
        long_product = re.match(r"^[su](mull|mlal)", self.mnemonic)
        return registers(",".join(self.operands.split(",")[: 2 if long_product else 1]))

    @property
    def list_length(self) -> int:
        """Words that a multiple or double access moves."""
        inside = re.search(r"\{([^}]*)\}", self.operands)
        return len(registers(inside[1])) if inside else 2


@cache
def disassemble(elf: Path, toolchain: str) -> Mapping[int, Instruction]:
    """Instructions of a firmware by address, as objdump reads them."""
    program = f"{toolchain}objdump"
    require_program(program, "read machine code", ())
    result = subprocess.run(
        [program, "--disassemble", str(elf)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ToolError(f"{program} cannot read {elf}: {result.stderr.strip()[:200]}")
    return {
        int(address, 16): Instruction(
            int(address, 16), len(code.replace(" ", "")) // 2, re.sub(r"\.[nw]$", "", name), rest
        )
        for address, code, name, rest in _LINE.findall(result.stdout)
    }


def pushed_bytes(elf_path: Path, toolchain: str) -> dict[str, int]:
    """Add up what each function's instructions take off the stack pointer, wherever they stand.

    Empty for other machines than Arm and RISC-V.
    """
    elf = read_elf(elf_path)
    if elf.machine not in (EM_ARM, EM_RISCV):
        return {}
    text = disassemble(elf_path, toolchain)
    pushed: dict[str, int] = {}
    for symbol in elf.symbols:
        if symbol.kind == STT_FUNC and symbol.size:
            first = symbol.address & ~1 if elf.machine == EM_ARM else symbol.address
            inside = range(first, first + symbol.size)
            size = sum(_pushed(text[a]) for a in inside if a in text)
            pushed[symbol.name] = max(size, pushed.get(symbol.name, 0))
    return pushed


def _pushed(instruction: Instruction) -> int:
    """Bytes that one instruction of Arm or RISC-V takes off the stack pointer."""
    name, operands = instruction.mnemonic, instruction.operands
    if name in ("push", "vpush") or (name in ("stmdb", "vstmdb") and operands.startswith("sp!")):
        return instruction.list_length * (8 if "{d" in operands else 4)
    moved = (
        re.match(r"sp, (?:sp, )?#(\d+)", operands)
        if name.startswith("sub")
        else re.search(r"\[sp, #-(\d+)\]!", operands) or re.match(r"sp,sp,-(\d+)", operands)
    )
    return int(moved[1]) if moved else 0


def registers(operands: str) -> frozenset[str]:
    """Names in a list of operands; ``r4-r7`` stands for four."""
    names: set[str] = set()
    for part in operands.replace("[", "").replace("{", "").replace("}", "").split(","):
        first, dash, last = part.strip().rstrip("!").partition("-")
        if dash and first[1:].isdigit() and last.strip()[1:].isdigit():
            span = range(int(first[1:]), int(last.strip()[1:]) + 1)
            names |= {f"{first[0]}{number}" for number in span}
        elif re.fullmatch(r"r\d+|sp|lr|pc|ip|fp|sl|sb|[sd]\d+", first):
            names.add(first)
    return frozenset(names)
