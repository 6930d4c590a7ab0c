"""qembed diff."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.cli import Exit
from qembed.cli._common import FILE, emit, json_option, stderr
from qembed.dataset import blocks, head, open_dataset, random_dataset
from qembed.importers import import_model
from qembed.numerics import PROFILES
from qembed.report.diff import comparison_tables
from qembed.verify.diff import AGAINST, compare, readers


@click.command("diff")
@click.argument("file", type=FILE)
@click.option(
    "--against",
    help="Runtimes to compare with, separated by commas; by default all that read the file.",
)
@click.option(
    "--own",
    type=click.Choice(list(PROFILES)),
    default="tflm",
    help="Whose bytes are the measure.",
)
@click.option("-i", "--inputs", type=FILE, help="Inputs, as for simulate; random ones by default.")
@click.option("--samples", type=click.IntRange(1), default=600, help="At most so many.")
@json_option
def command(
    file: Path, against: str | None, own: str, inputs: Path | None, samples: int, as_json: bool
) -> int:
    """Run a .tflite or .onnx network in other runtimes and compare every byte.

    For each runtime: in how many samples its outputs equal ours, the layers at which its arithmetic
    first departs, how far, and why. A runtime that is installed is really run; of another its
    numerics profile stands in. Exit status 1 if any output differs.
    """
    named = [name.strip() for name in against.split(",")] if against else []
    for name in named:
        if name not in AGAINST:
            raise click.UsageError(f"--against: '{name}' is none of {', '.join(AGAINST)}")
    graph = import_model(file, own)
    runtimes = named or readers(graph)
    data = random_dataset(graph, samples) if inputs is None else open_dataset(graph, inputs)
    (block,) = blocks(head(data, samples), samples)
    with stderr().status("comparing"):
        rows = compare(file, block, own, runtimes)
    result = {"model": graph.name, "own": own, "samples": len(block[0]), "comparisons": rows}
    emit("diff", result, as_json, lambda: comparison_tables(rows, own))
    return Exit.DIFFERENT if any(row.equal < row.samples for row in rows) else Exit.DONE
