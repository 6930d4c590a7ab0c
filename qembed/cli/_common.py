"""What the commands share: finding the model, printing, progress."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from qembed import container
from qembed.backends.host import HostModel
from qembed.dataset import blocks, open_dataset
from qembed.importers import import_model
from qembed.ir import AnyArray, Graph
from qembed.optimize import SeenConstant, optimize, seen_constant
from qembed.report.document import document
from qembed.resources import PACKAGE
from qembed.targets import LEVELS

F = TypeVar("F", bound=Callable[..., Any])

BUNDLED = PACKAGE / "data" / "digits.npz"
WIDTH_OF_A_FILE = 120
"""Columns where output is no terminal."""

CALIBRATION_BLOCK = 256
"""Samples of a file that are read at a time."""

TRACED = 64
"""Samples of a model's own that are run to list what they never change: traces are large."""

TARGET = "cortex-m4"
BOARD = "mps2-an386"

FILE = click.Path(path_type=Path)


def model_argument(function: F) -> F:
    """Add the optional positional MODEL."""
    return click.argument("model", type=FILE, required=False)(function)


def json_option(function: F) -> F:
    """Add `--json`, as `as_json`."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object on standard output and nothing else.",
    )(function)


def baseline_options(function: F) -> F:
    """Add `--baseline` and `--tolerance`, in per cent."""
    function = click.option(
        "--tolerance",
        type=click.FloatRange(min=0),
        default=2.0,
        help="Growth over the baseline that is let pass, in per cent.",
    )(function)
    return click.option(
        "--baseline",
        type=FILE,
        help="What --json printed before; exit status 1 if a figure has grown.",
    )(function)


def target_option(function: F) -> F:
    """Add `--target`."""
    return click.option("--target", default=TARGET, help="Chip; qembed targets lists them.")(
        function
    )


def optimize_option(function: F) -> F:
    """Add `--optimize`."""
    return click.option(
        "--optimize",
        type=click.Choice(LEVELS),
        help="Fewest instructions, fewest bytes of code and arena, or fast kernels in otherwise "
        "small code; by default what the target says.",
    )(function)


def memory_options(function: F) -> F:
    """Add `--arena-max` and `--push-rows`."""
    function = click.option(
        "--push-rows",
        is_flag=True,
        help="The input comes row by row, as a sensor delivers it, and is never whole.",
    )(function)
    return click.option(
        "--arena-max",
        type=click.IntRange(1),
        metavar="BYTES",
        help="RAM that the activations may take: the fastest plan that fits is used.",
    )(function)


def cmsis_nn_option(function: F) -> F:
    """Add `--cmsis-nn`."""
    return click.option(
        "--cmsis-nn",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="DIR",
        help="Let this CMSIS-NN run the layers that it can: the bytes stay the same.",
    )(function)


def simplify_option(function: F) -> F:
    """Add `--simplify`."""
    return click.option(
        "--simplify",
        is_flag=True,
        help="Take the model without what no input can make matter, as qembed optimize does.",
    )(function)


def load_model(path: Path | None, simplify: bool = False) -> Graph:
    """Read a model file, or import a network of another tool on the fly.

    Without a path: the only model file in the current folder. What simplification takes out is
    told on standard error.
    """
    graph = _read(path)
    if not simplify:
        return graph
    result = optimize(graph)
    saved = result.weight_bytes_before - result.weight_bytes_after
    click.echo(
        f"simplified: {len(result.removed)} layers changed, "
        f"{result.macs_before - result.macs_after:,} multiply-accumulates and {saved:,} bytes of "
        "weights less; every output byte stays",
        err=True,
    )
    return result.graph


def seen_on_samples(graph: Graph) -> tuple[tuple[SeenConstant, ...], int]:
    """List channels that the model's own samples never change, and how many those were."""
    if graph.samples is None:
        return (), 0
    inputs = [array[:TRACED] for array in graph.samples.inputs]
    return seen_constant(graph, HostModel(graph).trace(inputs)), len(inputs[0])


def _read(path: Path | None) -> Graph:
    path = find_model() if path is None else path
    with contextlib.suppress(OSError), path.open("rb") as file:
        if file.read(2) != b"PK":
            return import_model(path)
    return container.load(path)


def calibration_data(
    graph: Graph, data: Path, labels: Path | None = None
) -> tuple[list[AnyArray], NDArray[np.int64] | None]:
    """Read all samples for a float network, and their labels if there are any."""
    dataset = open_dataset(graph, data, labels)
    parts = zip(*blocks(dataset, CALIBRATION_BLOCK), strict=True)
    return [np.concatenate(part) for part in parts], dataset.labels


def find_model() -> Path:
    """Return the only model file in the current folder; it is wrong usage if there is no such."""
    found = [path for path in sorted(Path().glob("*.npz")) if container.is_model(path)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.UsageError("no MODEL given, and there is no model file (.npz) in this folder")
    names = ", ".join(str(path) for path in found)
    raise click.UsageError(f"no MODEL given, and this folder has several: {names}")


def stdout() -> Console:
    """Return the console for results."""
    return _console(sys.stdout)


def stderr() -> Console:
    """Return the console for everything else."""
    return _console(sys.stderr)


def _console(file: Any) -> Console:
    width = None if file.isatty() else WIDTH_OF_A_FILE
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def emit(
    command: str, result: Any, as_json: bool, tables: Callable[[], Sequence[RenderableType]]
) -> None:
    """Print a result: as one JSON object, or as tables."""
    if as_json:
        print(json.dumps(document(command, result), allow_nan=False))
    else:
        show(tables())


def show(parts: Sequence[RenderableType]) -> None:
    """Print results for people: no blanks at line ends, never two empty lines."""
    console = stdout()
    with console.capture() as printed:
        for part in parts:
            console.print(part)
    before = ""
    for line in (line.rstrip() for line in printed.get().splitlines()):
        if line or before:
            sys.stdout.write(line + "\n")
        before = line


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while the block runs; call the result with the steps done."""
    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)
