"""qembed bench."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.boards import load_board
from qembed.cli import Exit
from qembed.cli._common import (
    BOARD,
    baseline_options,
    cmsis_nn_option,
    emit,
    json_option,
    load_model,
    model_argument,
    optimize_option,
    stderr,
)
from qembed.device.bench import bench
from qembed.report.baseline import regression_tables, regressions
from qembed.report.cost import cost_tables
from qembed.report.document import document


@click.command("bench")
@model_argument
@click.option("--board", default=BOARD, help="Where to run; see qembed boards.")
@optimize_option
@cmsis_nn_option
@baseline_options
@json_option
def command(
    model: Path | None,
    board: str,
    optimize: str | None,
    cmsis_nn: Path | None,
    baseline: Path | None,
    tolerance: float,
    as_json: bool,
) -> int:
    """Measure one inference on a board: instructions or cycles per layer, flash, RAM, stack.

    Export, build, boot and count. The layer hashes and the link are left out of the counts, and out
    of the sizes.
    """
    graph, chosen = load_model(model), load_board(board, optimize)
    with stderr().status(f"building and running on {chosen.name}"):
        cost = bench(graph, chosen, cmsis_nn=cmsis_nn)
    result = document("bench", cost)
    if baseline is None:
        emit("bench", result, as_json, lambda: cost_tables(cost))
        return Exit.DONE
    grown = regressions(result, baseline, tolerance / 100)
    emit(
        "bench",
        {**result, "regressions": grown},
        as_json,
        lambda: cost_tables(cost) + regression_tables(grown, tolerance / 100),
    )
    return Exit.DIFFERENT if grown else Exit.DONE
