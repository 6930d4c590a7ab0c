"""qembed boards."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.console import RenderableType

from qembed.boards import Board, list_boards, load_board
from qembed.cli._common import emit, json_option
from qembed.device.doctor import examine_board
from qembed.report.terminal import table


@dataclass(frozen=True, slots=True)
class BoardRow:
    """What the list says of a board. `remedy`: what this machine needs before it can be used."""

    name: str
    description: str
    target: str
    emulated: bool
    counts: str
    ready: bool
    remedy: str


@click.command("boards")
@json_option
def command(as_json: bool) -> None:
    """List the boards, and whether this machine can build for them and run them."""
    rows = [_row(load_board(name)) for name in list_boards()]
    emit("boards", {"boards": rows}, as_json, lambda: [_table(rows)])


def _table(rows: list[BoardRow]) -> RenderableType:
    made = table("board", "target", "counts", "ready", "description")
    for row in rows:
        ready = "yes" if row.ready else "no"
        made.add_row(row.name, row.target, row.counts, ready, row.description)
    return made


def _row(board: Board) -> BoardRow:
    check = examine_board(board)
    return BoardRow(
        name=board.name,
        description=board.description,
        target=board.target.name,
        emulated=board.emulator is not None,
        counts=board.counts,
        ready=check.ok,
        remedy=check.remedy,
    )
