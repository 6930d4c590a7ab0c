"""qembed analyze."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.cli._common import FILE, calibration_data, emit, json_option, stderr
from qembed.importers import import_float_model
from qembed.quantize import Settings, quantize
from qembed.quantize.agreement import compare
from qembed.quantize.analysis import analyze
from qembed.report.analysis import analysis_tables
from qembed.report.comparison import COMPARED


@click.command("analyze")
@click.argument("model", type=FILE)
@click.option("-d", "--data", type=FILE, required=True, help="Inputs: .npy, .npz, a folder.")
@click.option(
    "--method", type=click.Choice(COMPARED), default="int8", help="As for qembed quantize."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the order of the samples.")
@json_option
def command(model: Path, data: Path, method: str, seed: int, as_json: bool) -> None:
    """Show where a float network loses accuracy when it is quantized, and what helps.

    For each layer: the signal to noise of its output in dB with all layers before it quantized; its
    weights' and its output's part in what all layers lose alone; the outputs that are clipped;
    their range; and how far the ranges of its channels differ.
    """
    graph = import_float_model(model)
    inputs, _ = calibration_data(graph, data)
    with stderr().status("analyzing"):
        made = quantize(graph, inputs, Settings(method, seed=seed))
        layers = analyze(made, inputs)
        sqnr = compare(made.real, made.graph, inputs).sqnr
    result = {"method": method, "sqnr": sqnr, "layers": layers}
    emit("analyze", result, as_json, lambda: analysis_tables(layers))
