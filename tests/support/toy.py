"""A firmware around a hand-written model, for tests of boards, not of networks."""

from pathlib import Path

import pytest

from qembed.boards import Board, load_board
from qembed.device.doctor import examine_board
from qembed.export.firmware import FirmwareProject, ModelPart, write_firmware
from qembed.resources import firmware_templates

TOY = Path(__file__).parent.parent / "device" / "toy"
HEADERS = firmware_templates() / "kernels" / "include"
TOY_HASH = bytes([0x70, 0x79]) + bytes(30)


def toy_part(prefix: str = "toy") -> ModelPart:
    """The model under a name of choice; its C text is renamed."""
    files = {
        f"{prefix}{path.suffix}": path.read_bytes()
        .replace(b"toy", prefix.encode())
        .replace(b"TOY", prefix.upper().encode())
        for path in (TOY / "toy.c", TOY / "toy.h")
    }
    files |= {name: (HEADERS / name).read_bytes() for name in ("qe_types.h", "qe_model.h")}
    return ModelPart(prefix, 2, files, frozenset({f"{prefix}_step"}))


def toy_project(
    board: str | Board, folder: Path, *prefixes: str, link: bool = True
) -> FirmwareProject:
    """Write the firmware's sources."""
    loaded = need(board) if isinstance(board, str) else board
    parts = [toy_part(prefix) for prefix in prefixes or ("toy",)]
    return write_firmware(parts, loaded, folder, link=link)


def need(name: str) -> Board:
    """Load a board, or skip the test and say what to install."""
    board = load_board(name)
    check = examine_board(board)
    if not check.ok:
        pytest.skip(f"board {name}: {check.detail}; {check.remedy}")
    return board


def toy_output(data: bytes) -> bytes:
    """What the model computes."""
    return bytes((byte + 1) * 2 & 0xFF for byte in data)
