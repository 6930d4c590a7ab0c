"""qembed info."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.cli._common import emit, json_option, load_model, model_argument, target_option
from qembed.report.model import summarize
from qembed.report.terminal import model_tables
from qembed.targets import load_target


@click.command("info")
@model_argument
@target_option
@json_option
def command(model: Path | None, target: str, as_json: bool) -> None:
    """Show a model: layers, shapes, quantization, work, weights, memory.

    MODEL is a model file or a .tflite network; by default the only model file in this folder.

    "spare" are the bits that the largest sum which any input could cause leaves free in the
    accumulator: how often it could double.
    """
    summary = summarize(load_model(model), load_target(target))
    emit("info", summary, as_json, lambda: model_tables(summary))
