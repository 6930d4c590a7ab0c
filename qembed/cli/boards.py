"""qembed boards."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import click

from qembed.boards import Board, list_boards, load_board
from qembed.cli._common import emit, json_option
from qembed.report.terminal import table


@dataclass(frozen=True, slots=True)
class BoardRow:
    """What the list says of a board. `missing`: programs that it needs and this machine lacks."""

    name: str
    description: str
    target: str
    emulated: bool
    counts: str
    missing: tuple[str, ...]


@click.command("boards")
@json_option
def command(as_json: bool) -> None:
    """List the boards, and what this machine lacks to build for them and run them."""
    rows = [_row(load_board(name)) for name in list_boards()]
    made = table("board", "target", "counts", "ready", "description")
    for row in rows:
        ready = f"needs {', '.join(row.missing)}" if row.missing else "yes"
        made.add_row(row.name, row.target, row.counts, ready, row.description)
    emit("boards", {"boards": rows}, as_json, lambda: [made])


def _row(board: Board) -> BoardRow:
    programs = [board.target.cc, "make"]
    if board.emulator is not None and not board.emulator.command[0].startswith("{"):
        programs.append(board.emulator.command[0])
    return BoardRow(
        board.name,
        board.description,
        board.target.name,
        board.emulator is not None,
        board.counter.unit,
        tuple(p for p in programs if shutil.which(p) is None),
    )
