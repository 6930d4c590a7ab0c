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

    "headroom" is how often the largest sum that any input could cause might double before it
    overflows the accumulator.
    """
    summary = summarize(load_model(model))
    emit("info", summary, as_json, lambda: model_tables(summary))
