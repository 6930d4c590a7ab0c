"""qembed simulate."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click

from qembed.cli._common import (
    FILE,
    emit,
    json_option,
    load_model,
    model_argument,
    progress,
    simplify_option,
)
from qembed.container import graph_hash
from qembed.dataset import Dataset, open_dataset
from qembed.ir import Graph
from qembed.report.evaluation import Block, Evaluation, Form, evaluate
from qembed.report.recording import record
from qembed.report.sharding import evaluate_on, refuse_damaged
from qembed.report.terminal import evaluation_tables


@click.command("simulate")
@model_argument
@click.option(
    "-i",
    "--inputs",
    type=FILE,
    help="Inputs: .npy, .npz, Zarr or a folder of them; by default the model's samples.",
)
@click.option("-o", "--output", type=FILE, help="Write the outputs: .npy, or .npz for several.")
@click.option("--labels", type=FILE, help="Class of each sample, .npy of integers.")
@click.option(
    "--form",
    type=click.Choice(["host", "gpu", "reference"]),
    default="host",
    help="Compiled kernels, a GPU's, or the definition in NumPy: slow, equal.",
)
@click.option("--trace", type=FILE, help="Write every tensor into this new folder.")
@click.option("--dequantize", is_flag=True, help="Write outputs as real numbers.")
@click.option("--saturation/--no-saturation", default=True, help="Count saturated values; slower.")
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="all processors",
    help="Samples to run at once.",
)
@click.option(
    "--cluster",
    metavar="WHERE",
    help="Share the data with dask workers: tcp://HOST:PORT, or local:N processes here.",
)
@simplify_option
@json_option
def command(
    model: Path | None,
    inputs: Path | None,
    output: Path | None,
    labels: Path | None,
    form: Form,
    trace: Path | None,
    dequantize: bool,
    saturation: bool,
    threads: int,
    cluster: str | None,
    simplify: bool,
    as_json: bool,
) -> None:
    """Run a model here: the bytes are those that the chip computes.

    Inputs are arrays of shape [B, H, W, C], or whatever shape the model's input has behind the
    B samples: quantized values in the input's own type, or real numbers in float32, which are
    quantized with the model's scale. In an .npz the array is called as the model's input, or
    "inputs" or "x"; labels are called "labels" or "y".
    """
    graph = load_model(model, simplify)
    if cluster is not None and trace is not None:
        raise click.UsageError("--trace writes on this machine: leave --cluster away")
    dataset = open_dataset(graph, inputs, labels, tolerant=cluster is not None)
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        use = stack.enter_context(record(graph, dataset.count, output, trace, dequantize))
        advance = stack.enter_context(progress("simulating", dataset.count))

        def each(block: Block) -> None:
            use(block)
            advance(len(block.outputs[0]))

        if cluster is None:
            traced = trace is not None
            run = evaluate(graph, dataset, form, threads, saturation, each, traced=traced)
        else:
            run, missing = evaluate_on(cluster, graph, dataset, form, saturation, each)
    for path in filter(None, (output, trace)):
        click.echo(f"wrote {path}", err=True)
    emit(
        "simulate",
        _document(graph, dataset, run),
        as_json,
        lambda: evaluation_tables(run, graph.classes, dataset.origin),
    )
    refuse_damaged(missing)


def _document(graph: Graph, dataset: Dataset, run: Evaluation) -> dict[str, object]:
    model = {"name": graph.name, "hash": graph_hash(graph).hex(), "classes": graph.classes}
    return {"model": model, "inputs": dataset.origin, "run": run}
