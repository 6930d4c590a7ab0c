"""qembed info."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.cli._common import (
    FILE,
    emit,
    json_option,
    load_model,
    memory_options,
    model_argument,
    target_option,
)
from qembed.errors import UnsupportedError
from qembed.files import write_text
from qembed.report.model import ModelSummary, summarize
from qembed.report.svg import memory_map
from qembed.report.terminal import memory_tables, model_tables
from qembed.targets import load_target


@click.command("info")
@model_argument
@target_option
@memory_options
@click.option("--memory", is_flag=True, help="Draw what lies where in the arena.")
@click.option("--memory-svg", type=FILE, help="Write that drawing to an SVG file.")
@json_option
def command(
    model: Path | None,
    target: str,
    arena_max: int | None,
    push_rows: bool,
    memory: bool,
    memory_svg: Path | None,
    as_json: bool,
) -> None:
    """Show a model: layers, shapes, quantization, work, weights, memory.

    MODEL is a model file or a .tflite or .onnx network; by default the only model file here.

    "spare" are the bits that the largest sum which any input could cause leaves free in the
    accumulator: how often it could double.
    """
    summary = summarize(load_model(model), load_target(target), arena_max, push_rows)
    if memory_svg is not None:
        write_text(memory_svg, _drawing(summary))
        click.echo(f"wrote {memory_svg}", err=True)
    emit("info", summary, as_json, lambda: (memory_tables if memory else model_tables)(summary))


def _drawing(model: ModelSummary) -> str:
    if model.arena_bytes is None:
        raise UnsupportedError(f"target '{model.target}' lacks a kernel for this model")
    steps = 1 + max(region.last for region in model.memory)
    return memory_map(model.memory, [""] * steps, model.arena_bytes)
