"""qembed verify."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from qembed.boards import Board, load_board
from qembed.cli import Exit
from qembed.cli._common import FILE, emit, json_option, load_model, model_argument, progress
from qembed.dataset import Dataset, blocks, head, open_dataset, random_dataset
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import export_firmware
from qembed.ir import AnyArray, Graph
from qembed.report.verification import verification_tables
from qembed.verify.check import verify
from qembed.verify.layers import ReportedLayer, layers_of
from qembed.verify.report import Report

RANDOM_SAMPLES = 50


@click.command("verify")
@model_argument
@click.option("--board", help="Export, build, boot and verify this board; see qembed boards.")
@click.option("-i", "--inputs", type=FILE, help="Inputs, as for simulate.")
@click.option("--samples", type=click.IntRange(1), help="At most so many.")
@json_option
def command(
    model: Path | None, board: str | None, inputs: Path | None, samples: int | None, as_json: bool
) -> int:
    """Prove that a board computes the bytes of the desk.

    Every sample is run on the board, which returns its outputs and a hash of every layer's output;
    all of them are compared. At the first difference the layer's bytes are fetched, and the first
    wrong element is shown with who is to blame. Exit status 0: equal, 1: different.
    """
    if board is None:
        raise click.UsageError("say where to verify: --board BOARD")
    graph = load_model(model)
    data = choose_data(graph, inputs, samples)
    with on_board(graph, load_board(board)) as (session, layers):
        report = run(graph, session, layers, data)
    emit("verify", report, as_json, lambda: verification_tables(report))
    return Exit.DONE if report.verdict == "equal" else Exit.DIFFERENT


def choose_data(graph: Graph, inputs: Path | None, samples: int | None) -> Dataset:
    """Return a file's inputs, the model's own samples, or else random ones."""
    if inputs is None and graph.samples is None:
        return random_dataset(graph, samples or RANDOM_SAMPLES)
    data = open_dataset(graph, inputs)
    return head(data, samples) if samples else data


@contextlib.contextmanager
def on_board(graph: Graph, board: Board) -> Iterator[tuple[Session, Sequence[ReportedLayer]]]:
    """Export, build and boot; inside the block the board runs and has answered."""
    with tempfile.TemporaryDirectory(prefix="qembed-") as folder:
        project = export_firmware([graph], board, Path(folder) / "firmware")
        firmware = build_firmware(project)
        sources = project.models[0].sources
        assert sources is not None  # exported from a graph
        with boot(firmware) as running, contextlib.closing(open_port(running.port_url)) as port:
            yield Session(port), layers_of(sources)


def run(graph: Graph, session: Session, layers: Sequence[ReportedLayer], data: Dataset) -> Report:
    """Verify with a progress bar."""
    whole: tuple[AnyArray, ...] = next(blocks(data, data.count))
    with progress("verifying", data.count) as advance:
        return verify(graph, session, layers, whole, _steps(advance))


def _steps(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    done = 0

    def tell(so_far: int, _: int) -> None:
        nonlocal done
        advance(so_far - done)
        done = so_far

    return tell
