"""Read what qembed needs of an ELF file: sections and symbols. Any class, any byte order."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qembed.errors import ToolError

SHT_SYMTAB, SHT_NOBITS = 2, 8
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
STT_OBJECT, STT_FUNC = 1, 2
EM_ARM, EM_RISCV = 40, 243


@dataclass(frozen=True, slots=True)
class Section:
    """A section header: places and size in bytes, `kind` an SHT_, `flags` the SHF_ bits."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int

    @property
    def in_file(self) -> bool:
        """Whether it is loaded from the file: on a chip, whether it takes flash."""
        return bool(self.flags & SHF_ALLOC) and self.kind != SHT_NOBITS


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol: `kind` an STT_, `section` its index among the sections."""

    name: str
    kind: int
    address: int
    size: int
    section: int


@dataclass(frozen=True, slots=True)
class Elf:
    """Sections and symbols of one file."""

    machine: int
    byte_order: Literal["<", ">"]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def function(self, name: str) -> Symbol:
        """Return the function called `name`; on Arm its address comes without the Thumb bit.

        Raises
        ------
        ToolError
            If there is none, or more than one.
        """
        found = [s for s in self.symbols if s.kind == STT_FUNC and s.name == name]
        if len(found) != 1:
            raise ToolError(
                f"the firmware has {len(found)} functions named '{name}' instead of one"
            )
        address = found[0].address & ~1 if self.machine == EM_ARM else found[0].address
        return Symbol(name, STT_FUNC, address, found[0].size, found[0].section)


def read_elf(path: Path) -> Elf:
    """Read an ELF file.

    Raises
    ------
    ToolError
        If it is none, or damaged.
    """
    try:
        data = path.read_bytes()
        return _parse(data)
    except (OSError, struct.error, ValueError, IndexError) as error:
        raise ToolError(f"{path}: not an intact ELF file ({error})") from None


def _parse(data: bytes) -> Elf:
    if data[:4] != b"\x7fELF" or data[4] not in (1, 2) or data[5] not in (1, 2):
        raise ValueError("wrong magic number")
    wide = data[4] == 2
    order: Literal["<", ">"] = "<" if data[5] == 1 else ">"
    header = struct.unpack_from(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), data, 16)
    machine, table, entry_bytes, count, names = (header[i] for i in (1, 5, 10, 11, 12))
    section_format = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    raw = [struct.unpack_from(section_format, data, table + i * entry_bytes) for i in range(count)]
    sections = tuple(Section(_text(data, raw[names][4] + s[0]), *s[1:6]) for s in raw)
    symbols: list[Symbol] = []
    for s in raw:
        if s[1] == SHT_SYMTAB:
            symbols += _symbols(data, s[4], s[5], raw[s[6]][4], wide, order)
    return Elf(machine, order, sections, tuple(symbols))


def _symbols(
    data: bytes, start: int, size: int, strings: int, wide: bool, order: str
) -> list[Symbol]:
    layout = struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH"))
    if start + size > len(data):
        raise ValueError("its symbol table is cut short")
    symbols = []
    for fields in layout.iter_unpack(data[start : start + size - size % layout.size]):
        if wide:
            name, info, _, section, value, length = fields
        else:
            name, value, length, info, _, section = fields
        symbols.append(Symbol(_text(data, strings + name), info & 15, value, length, section))
    return symbols


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode("utf-8", "replace")
