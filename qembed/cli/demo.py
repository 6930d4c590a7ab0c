"""qembed demo."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click
from rich.console import RenderableType
from rich.text import Text

from qembed import container
from qembed.boards import Board, load_board
from qembed.cli import Exit
from qembed.cli._common import BOARD, BUNDLED, emit, json_option, show, stderr
from qembed.cli._verification import judge_all
from qembed.dataset import open_dataset
from qembed.device.bench import bench
from qembed.device.doctor import examine_board
from qembed.report.cost import cost_tables
from qembed.report.evaluation import evaluate
from qembed.report.model import summarize
from qembed.report.terminal import evaluation_tables, model_tables
from qembed.report.verification import line_summary, verdict_parts
from qembed.verify.subject import on_board
from qembed.verify.trial import choose

FALLBACK = "native"


@click.command("demo")
@click.option("--board", default=BOARD, help="Where to run; see qembed boards.")
@json_option
def command(board: str, as_json: bool) -> int:
    """Take a trained network to a chip and prove that it computes the bytes of the desk.

    Real handwritten digits and the network that examples/digits trains on others of them: show it,
    simulate it, export and build a firmware, boot it on an emulated Cortex-M4F, and verify every
    layer of every test digit over its serial port. Without compiler or emulator it runs on board
    native, the same C as a process of this computer.
    """
    chosen = _usable(load_board(board))
    graph = container.load(BUNDLED)
    data = open_dataset(graph)

    def chapter(title: str, parts: Sequence[RenderableType]) -> None:
        if not as_json:
            show([Text(title, "bold cyan"), Text(), *parts, Text()])
            sys.stdout.flush()

    summary = summarize(graph, chosen.target)
    chapter("1  The model", model_tables(summary))
    evaluation = evaluate(graph, data, saturation=False)
    chapter("2  On the desk", evaluation_tables(evaluation, graph.classes, data.origin))
    with stderr().status(f"exporting, building and counting on {chosen.name}"):
        cost = bench(graph, chosen)
    with on_board(graph, chosen) as subject, ThreadPoolExecutor(1) as pool:
        (result,) = judge_all([subject], [choose(graph)], pool)
    report = result.report
    different = [row.differing for row in report.layers]
    link = [("serial port", line_summary(report))]
    chapter(
        f"3  On the chip: {chosen.description}",
        [*cost_tables(cost, different, link), *verdict_parts(report)],
    )
    found = {"model": summary, "run": evaluation, "cost": cost, "verification": report}
    emit("demo", found, as_json, list)
    return Exit.DONE if report.verdict == "equal" else Exit.DIFFERENT


def _usable(board: Board) -> Board:
    """Return the board, or with a notice the one that needs nothing but a C compiler."""
    check = examine_board(board)
    if check.ok or board.name == FALLBACK:
        return board
    click.secho(
        f"{check.detail}; so this runs on board {FALLBACK}, the same C as a process of this "
        f"computer. For {board.description}: {check.remedy}",
        fg="yellow",
        err=True,
    )
    return load_board(FALLBACK)
