"""Write the table of boards at the end of docs/adding-a-board.md from their folders."""

from __future__ import annotations

from pathlib import Path

from qembed.boards import Board, list_boards, load_board

TARGET = Path(__file__).parents[1] / "docs/adding-a-board.md"
TITLE = "## The boards\n"


def kib(size: int) -> str:
    """A size in KiB."""
    return f"{size // 1024} KB"


def row(board: Board) -> str:
    """One line of the table."""
    memory = "-"
    if board.memory:
        memory = f"{kib(board.memory.flash_bytes)} / {kib(board.memory.ram_bytes)}"
    packages = [*board.target.packages]
    if board.emulator and board.emulator.package:
        packages.append(board.emulator.package)
    names = " ".join(packages)
    return f"| `{board.name}` | {board.description} | {memory} | {board.counts} | `{names}` |"


def document() -> str:
    """The whole page: what people wrote, and the table."""
    head = TARGET.read_text(encoding="utf-8").partition(TITLE)[0]
    lines = [
        "This table is made from the folders by `python tools/boards_page.py`.",
        "",
        "| name | what it is | flash / RAM | counts | Debian packages |",
        "|---|---|---|---|---|",
        *(row(load_board(name)) for name in list_boards()),
    ]
    return head + TITLE + "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
