"""qembed optimize."""

from __future__ import annotations

from pathlib import Path

import click

from qembed import container
from qembed.cli._common import (
    FILE,
    emit,
    json_option,
    load_model,
    model_argument,
    seen_on_samples,
)
from qembed.optimize import optimize
from qembed.report.optimization import optimization_tables, summarize_optimization


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
    seen, samples = seen_on_samples(graph)
    outcome = summarize_optimization(result, seen, samples)
    emit("optimize", outcome, as_json, lambda: optimization_tables(outcome))
