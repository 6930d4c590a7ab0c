"""qembed import."""

from __future__ import annotations

from pathlib import Path

import click

from qembed import container
from qembed.cli._common import FILE, TARGET, emit, json_option
from qembed.importers import import_model
from qembed.numerics import PROFILES
from qembed.report.model import summarize
from qembed.report.terminal import model_tables
from qembed.targets import load_target


@click.command("import")
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, help="Model file to write; FILE with .npz by default.")
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="tflm",
    help="Whose arithmetic to follow, byte for byte.",
)
@json_option
def command(file: Path, output: Path | None, profile: str, as_json: bool) -> None:
    """Turn a .tflite or .onnx network into a model file.

    What is unsupported is listed completely, each with its tensor and the reason; then nothing is
    written.
    """
    graph = import_model(file, profile)
    output = output or Path(file.with_suffix(".npz").name)
    container.save(graph, output)
    summary = summarize(graph, load_target(TARGET))
    click.echo(f"wrote {output}", err=True)
    emit("import", {"output": output, "model": summary}, as_json, lambda: model_tables(summary))
