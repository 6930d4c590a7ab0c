"""qembed info."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.cli._common import emit, json_option, load_model, model_argument
from qembed.report.model import summarize
from qembed.report.terminal import model_tables


@click.command("info")
@model_argument
@json_option
def command(model: Path | None, as_json: bool) -> None:
    """Show a model: layers, shapes, quantization, work, weights, memory.

    MODEL is a model file or a .tflite network; by default the only model file in this folder.

    "spare" are the bits that the largest sum which any input could cause leaves free in the
    accumulator: how often it could double.
    """
    summary = summarize(load_model(model))
    emit("info", summary, as_json, lambda: model_tables(summary))
