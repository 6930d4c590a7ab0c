"""qembed info."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import RenderableType

from qembed.cli._common import (
    FILE,
    emit,
    json_option,
    load_model,
    memory_options,
    model_argument,
    seen_on_samples,
    target_option,
)
from qembed.errors import UnsupportedError
from qembed.files import write_text
from qembed.optimize import optimize
from qembed.report.document import document
from qembed.report.model import ModelSummary, summarize
from qembed.report.optimization import removable_tables, summarize_optimization
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
    graph = load_model(model)
    summary = summarize(graph, load_target(target), arena_max, push_rows)
    removable = summarize_optimization(optimize(graph), *seen_on_samples(graph))
    if memory_svg is not None:
        write_text(memory_svg, _drawing(summary))
        click.echo(f"wrote {memory_svg}", err=True)
    fields = {**document("info", summary), "removable": removable}

    def tables() -> Sequence[RenderableType]:
        if memory:
            return memory_tables(summary)
        return [*model_tables(summary), *removable_tables(removable)]

    emit("info", fields, as_json, tables)


def _drawing(model: ModelSummary) -> str:
    if model.arena_bytes is None:
        raise UnsupportedError(f"target '{model.target}' lacks a kernel for this model")
    steps = 1 + max(region.last for region in model.memory)
    return memory_map(model.memory, [""] * steps, model.arena_bytes)
