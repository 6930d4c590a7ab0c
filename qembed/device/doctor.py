"""What this computer has and lacks: compilers, emulators, serial ports, each with its remedy."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from qembed.boards import Board, list_boards, load_board
from qembed.device.emulator import prepare_runner
from qembed.device.transport import permission_remedy
from qembed.errors import ToolError


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    subject : str
        Such as "board mps2-an386" or "port /dev/ttyUSB0".
    ok : bool
    detail : str
        What was found, or what is missing.
    remedy : str
        A command that helps; empty if all is well or nothing is known to help.
    """

    subject: str
    ok: bool
    detail: str
    remedy: str = ""


def examine() -> tuple[Check, ...]:
    """Look at everything: all boards that come with qembed, and all serial ports."""
    boards = tuple(examine_board(load_board(name)) for name in list_boards())
    return (*boards, *examine_ports())


def examine_board(board: Board) -> Check:
    """Say whether firmware for a board can be built and run here."""
    needs = {board.target.cc: board.target.packages, "make": ("make",)}
    if board.linker:
        needs[board.linker] = board.target.packages
    if board.emulator and board.emulator.package and not board.emulator.runner:
        needs[board.emulator.command[0]] = (board.emulator.package,)
    missing = [program for program in needs if shutil.which(program) is None]
    packages = dict.fromkeys(package for program in missing for package in needs[program])
    if board.emulator and board.emulator.runner and not missing:
        try:
            prepare_runner(board.emulator)
        except ToolError:
            missing.append(board.emulator.runner)
            packages[board.emulator.package] = None
    subject = f"board {board.name}"
    if missing:
        remedy = f"apt-get install {' '.join(packages)}"
        return Check(subject, False, f"not found: {', '.join(missing)}", remedy)
    return Check(subject, True, f"{board.target.cc}: {shutil.which(board.target.cc)}")


def examine_ports() -> tuple[Check, ...]:
    """Say which serial ports there are and whether this user may open them."""
    ports = sorted(list_ports.comports(), key=lambda port: str(port.device))
    if not ports:
        return (Check("serial ports", True, "none is plugged in"),)
    return tuple(_examine_port(str(port.device), str(port.description)) for port in ports)


def _examine_port(device: str, description: str) -> Check:
    if os.access(device, os.R_OK | os.W_OK):
        return Check(f"port {device}", True, description)
    if not Path(device).exists():
        return Check(f"port {device}", False, "it is gone")
    return Check(f"port {device}", False, "this user may not open it", permission_remedy(device))
