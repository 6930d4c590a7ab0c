"""qembed compare."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.boards import load_board
from qembed.cli._common import FILE, calibration_data, emit, json_option, stderr
from qembed.importers import import_float_model
from qembed.report.comparison import COMPARED, compared, comparison_tables, split


@click.command("compare")
@click.argument("model", type=FILE)
@click.option("-d", "--data", type=FILE, required=True, help="Inputs: .npy, .npz, a folder.")
@click.option("--labels", type=FILE, help="Class of each sample, .npy of integers.")
@click.option(
    "--method",
    "methods",
    type=click.Choice(list(COMPARED)),
    multiple=True,
    show_default="all",
    help="What to compare with float; may be repeated.",
)
@click.option("--board", help="Also count instructions and memory there; see qembed boards.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the order of the samples.")
@json_option
def command(
    model: Path,
    data: Path,
    labels: Path | None,
    methods: tuple[str, ...],
    board: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Show what each way to quantize a float network costs and saves.

    MODEL and data are those of qembed quantize; labels may be in the .npz, as "labels" or "y".
    Every second sample calibrates, the others measure: accuracy where there are labels, and how far
    each network is from float.
    """
    graph = import_float_model(model)
    inputs, known = calibration_data(graph, data, labels)
    chosen = None if board is None else load_board(board)
    subject = split(graph, inputs, known)
    with stderr().status("comparing") as status:
        rows = compared(
            subject,
            methods or tuple(COMPARED),
            seed,
            chosen,
            lambda name: status.update(f"measuring {name}"),
        )
    result = {"board": board, "techniques": rows}
    emit("compare", result, as_json, lambda: comparison_tables(rows))
