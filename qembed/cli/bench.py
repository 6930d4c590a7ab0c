"""qembed bench."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.boards import load_board
from qembed.cli._common import BOARD, emit, json_option, load_model, model_argument, stderr
from qembed.device.bench import bench
from qembed.report.cost import cost_tables


@click.command("bench")
@model_argument
@click.option("--board", default=BOARD, help="Where to run; see qembed boards.")
@json_option
def command(model: Path | None, board: str, as_json: bool) -> None:
    """Measure one inference on a board: instructions or cycles per layer, flash, RAM, stack.

    Export, build, boot and count. The layer hashes and the link are left out of the counts, and out
    of the sizes.
    """
    graph, chosen = load_model(model), load_board(board)
    with stderr().status(f"building and running on {chosen.name}"):
        cost = bench(graph, chosen)
    emit("bench", cost, as_json, lambda: cost_tables(cost))
