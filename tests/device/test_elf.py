"""The ELF reader against binutils, in both classes and byte orders, and against damaged files."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.device.build import build_firmware
from qembed.device.elf import STT_FUNC, STT_OBJECT, read_elf
from qembed.errors import ToolError
from support.toy import need, toy_project


@pytest.mark.parametrize("board", ["native", "mps2-an386", "qemu-mips", "qemu-s390x"])
def test_symbols_and_sections_are_those_of_binutils(board, tmp_path):
    elf_path = build_firmware(toy_project(need(board), tmp_path)).elf
    elf = read_elf(elf_path)
    listed = subprocess.run(
        ["readelf", "--syms", "--wide", elf_path], capture_output=True, text=True, check=True
    ).stdout
    theirs = set()
    for line in listed.partition("'.symtab'")[2].splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[3] in ("FUNC", "OBJECT"):
            kind = STT_FUNC if fields[3] == "FUNC" else STT_OBJECT
            theirs.add((fields[7].partition("@")[0], kind, int(fields[1], 16), int(fields[2], 0)))
    ours = {
        (s.name.partition("@")[0], s.kind, s.address, s.size)
        for s in elf.symbols
        if s.kind in (STT_FUNC, STT_OBJECT)
    }
    assert ours == theirs
    assert elf.function("toy_invoke").size > 0
    listed = subprocess.run(
        ["readelf", "--sections", "--wide", elf_path], capture_output=True, text=True, check=True
    ).stdout
    for name in (".text", ".bss"):
        (line,) = [x for x in listed.splitlines() if f" {name} " in x]
        (section,) = [s for s in elf.sections if s.name == name]
        after = line.partition(f" {name} ")[2].split()
        assert (section.address, section.size) == (int(after[1], 16), int(after[3], 16))


def test_a_function_must_be_there_once(tmp_path):
    elf = read_elf(build_firmware(toy_project("native", tmp_path)).elf)
    with pytest.raises(ToolError, match="0 functions named 'nobody'"):
        elf.function("nobody")


@pytest.fixture(scope="module")
def small_elf(tmp_path_factory):
    return build_firmware(
        toy_project("mps2-an386", tmp_path_factory.mktemp("elf"))
    ).elf.read_bytes()


@given(st.data())
def test_damage_is_a_tool_error_and_nothing_else(small_elf, tmp_path_factory, data):
    raw = bytearray(small_elf)
    table = int.from_bytes(raw[32:36], "little")
    places = st.one_of(st.integers(4, 51), st.integers(table, len(raw) - 1))
    for place in data.draw(st.lists(places, max_size=8)):
        raw[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    path = tmp_path_factory.getbasetemp() / "damaged.elf"
    path.write_bytes(bytes(raw[: cut or len(raw)]))
    try:
        elf = read_elf(path)
    except ToolError as error:
        assert "not an intact ELF file" in str(error)
    else:
        assert isinstance(elf.symbols, tuple)
