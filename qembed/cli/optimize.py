"""qembed optimize."""

from __future__ import annotations

from pathlib import Path

import click

from qembed import container
from qembed.backends.host import HostModel
from qembed.cli._common import FILE, emit, json_option, load_model, model_argument
from qembed.ir import Graph
from qembed.optimize import SeenConstant, optimize, seen_constant
from qembed.report.optimization import optimization_tables, summarize_optimization

SAMPLES = 64
"""Of the model's own, run to list what they never change: traces are large."""


@click.command("optimize")
@model_argument
@click.option("-o", "--output", type=FILE, help="Model file to write; without it nothing is.")
@json_option
def command(model: Path | None, output: Path | None, as_json: bool) -> None:
    """Remove what no input can make matter; the outputs keep every byte.

    Gone are channels that are proved constant, channels that nobody reads, requantizations that
    change no value, and borders that the next layer can add. Channels that the model's samples
    merely never change are listed, and stay.
    """
    graph = load_model(model)
    result = optimize(graph)
    if output is not None:
        container.save(result.graph, output)
        click.echo(f"wrote {output}", err=True)
    seen, samples = _seen_on_samples(graph)
    outcome = summarize_optimization(result, seen, samples)
    emit("optimize", outcome, as_json, lambda: optimization_tables(outcome))


def _seen_on_samples(graph: Graph) -> tuple[tuple[SeenConstant, ...], int]:
    if graph.samples is None:
        return (), 0
    inputs = [array[:SAMPLES] for array in graph.samples.inputs]
    return seen_constant(graph, HostModel(graph).trace(inputs)), len(inputs[0])
