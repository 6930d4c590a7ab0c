"""The counter for real Cortex-M chips. The emulator has SysTick, and a DWT that stands still."""

import shutil

import pytest

from qembed.boards import load_board
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.errors import ToolError
from qembed.resources import firmware_templates
from support.toy import need, toy_output, toy_project

INPUT = bytes(range(8))


@pytest.fixture(params=["mps2-an386", "mps2-an385-m0", "mps3-an547"])
def board(request, tmp_path):
    """A board with this counter in place of its timer."""
    need(request.param)
    own = tmp_path / "own"
    shutil.copytree(firmware_templates() / "boards" / request.param, own)
    header, text = (own / name for name in ("board.h", "board.toml"))
    lines = [line for line in header.read_text().splitlines() if "cmsdk_timer" not in line]
    kept, skipping = [], False
    for line in lines:  # a board's own counter goes
        skipping = skipping or line.startswith("static inline void board_counter_start")
        if not skipping or line.startswith("#endif"):
            kept.append(line)
    kept.insert(-1, '#include "cycle_counter.h"')
    header.write_text("\n".join(kept) + "\n")
    described = text.read_text().replace('"cmsdk_port.c"', '"cmsdk_port.c", "cycle_counter.h"')
    head, _, _ = described.partition("[counter]")
    text.write_text(head + '[counter]\nunit = "cycles"\nper_tick = [1, 1]\n')
    return load_board(str(own))


def records(board, folder, flags=()):
    firmware = build_firmware(toy_project(board, folder), extra_cflags=flags)
    with boot(firmware) as running:
        port = open_port(running.port_url)
        seen = list(Session(port).infer_many(0, [INPUT] * 3, ticks=True))
        port.close()
    assert all(one.record.outputs == toy_output(INPUT) for one in seen)
    return [one.record for one in seen]


def test_systick_takes_over_where_dwt_stands_still(board, tmp_path):
    for record in records(board, tmp_path / "src"):
        assert all(0 < ticks < 100_000 for ticks in record.layer_ticks)
        assert record.ticks >= sum(record.layer_ticks)


def test_dwt_alone_would_stand_still_here(board, tmp_path):
    """So that the test above shows that the search works."""
    if board.target.name == "cortex-m0":
        pytest.skip("a Cortex-M0 has no DWT counter to stand still")
    path = next(path for path in board.files if path.name == "cycle_counter.h")
    own = tmp_path / "own" / path.name
    own.write_text(
        path.read_text().replace("counter.has_dwt = counter_starts_dwt()", "counter.has_dwt = true")
    )
    toml = tmp_path / "own" / "board.toml"
    toml.write_text(toml.read_text().replace(', "cycle_counter.h"', ""))
    still = load_board(str(tmp_path / "own"))
    assert {record.ticks for record in records(still, tmp_path / "src")} == {0}


def test_a_riscv_counts_cycles_where_its_board_says_so(tmp_path):
    need("virt32")
    own = tmp_path / "own"
    shutil.copytree(firmware_templates() / "boards/virt32", own)
    header, text = (own / name for name in ("board.h", "board.toml"))
    define = '#define BOARD_COUNTER "mcycle"\n'
    header.write_text(
        header.read_text().replace("#define BOARD_UART", define + "#define BOARD_UART")
    )
    text.write_text(text.read_text().replace('unit = "instructions"', 'unit = "cycles"'))
    board = load_board(str(own))
    assert board.counter.unit == "cycles"
    assert "mcycle" in header.read_text()
    for record in records(board, tmp_path / "src"):
        assert all(0 < ticks < 100_000 for ticks in record.layer_ticks)
    header.write_text(header.read_text().replace('"mcycle"', '"no_such_register"'))
    with pytest.raises(ToolError):  # the port does read what the board names
        build_firmware(toy_project(load_board(str(own)), tmp_path / "other"))
