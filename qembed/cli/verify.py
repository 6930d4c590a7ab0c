"""qembed verify."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import click
from rich.console import RenderableType

from qembed.boards import load_board
from qembed.cli import Exit
from qembed.cli._common import (
    FILE,
    baseline_options,
    emit,
    json_option,
    load_model,
    model_argument,
    progress,
    stderr,
)
from qembed.device.transport import open_port
from qembed.files import write_text
from qembed.report import html, junit
from qembed.report.baseline import Regression, regression_tables, regressions
from qembed.report.document import document
from qembed.report.model import summarize
from qembed.report.verification import verification_tables
from qembed.report.verification_page import verification_cases, verification_page
from qembed.verify.check import verify
from qembed.verify.report import Report
from qembed.verify.subject import Subject, at_port, on_board
from qembed.verify.trial import Kind, Trial, choose


@click.command("verify")
@model_argument
@click.option(
    "--port",
    "ports",
    multiple=True,
    help="Serial port, or any URL of pyserial (socket://, rfc2217://); several: all at once.",
)
@click.option("--board", help="Export, build, boot and verify this board; see qembed boards.")
@click.option("-i", "--inputs", type=FILE, help="Inputs, as for simulate.")
@click.option("--samples", type=click.IntRange(1), help="At most so many of these.")
@click.option(
    "--vectors",
    type=click.Choice(["real", "random", "corner", "all"]),
    default="real",
    help="Run inputs or else the model's samples; random inputs; ones that drive every layer to "
    "its arithmetic corners; or all of these.",
)
@click.option("--baud", type=click.IntRange(300), default=115200, help="Bits per second.")
@click.option("--rtscts", is_flag=True, help="Hardware flow control.")
@click.option("--reset", is_flag=True, help="Reset the board when its port is opened (DTR, RTS).")
@click.option("--export", "manifest", type=FILE, help="The .json of the export on the board.")
@baseline_options
@click.option("--junit", "junit_file", type=FILE, help="Also write a JUnit report.")
@click.option("--html", "html_file", type=FILE, help="Also write a page to look at.")
@json_option
def command(
    model: Path | None,
    ports: tuple[str, ...],
    board: str | None,
    inputs: Path | None,
    samples: int | None,
    vectors: str,
    baud: int,
    rtscts: bool,
    reset: bool,
    manifest: Path | None,
    baseline: Path | None,
    tolerance: float,
    junit_file: Path | None,
    html_file: Path | None,
    as_json: bool,
) -> int:
    """Prove that a board computes the bytes of the desk.

    Every sample is run on the board, which returns its outputs and a hash of every layer's output;
    all of them are compared. At the first difference the layer's bytes are fetched, and the first
    wrong element is shown with who is to blame. Exit status 0: equal, 1: different.

    With --port, MODEL may be left out if it was exported on this computer: the board is asked which
    one it runs.
    """
    if bool(ports) == bool(board):
        raise click.UsageError("say where to verify: either --port PORT or --board BOARD")
    graph = load_model(model) if board or model else None
    trial = choose(graph, cast(Kind, vectors), inputs, samples) if graph else None
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(max(1, len(ports))))
        if board and graph:
            with stderr().status(f"building for {board}"):
                subjects = [stack.enter_context(on_board(graph, load_board(board)))]
        else:
            opened = contextlib.closing
            lines = [
                stack.enter_context(opened(open_port(url, baud, rtscts=rtscts, reset=reset)))
                for url in ports
            ]
            with stderr().status("shaking hands"):
                subjects = list(pool.map(lambda line: at_port(line, graph, manifest), lines))
        trials = [trial or choose(s.graph, cast(Kind, vectors), inputs, samples) for s in subjects]
        reports = verify_all(subjects, trials, pool)

    if junit_file:
        _write(junit_file, junit.render("qembed verify", verification_cases(reports)))
    if html_file:
        graphs = [subject.graph for subject in subjects]
        summary = summarize(graphs[0], load_board(board).target) if board else None
        _write(html_file, html.render(verification_page(reports, graphs, trials, summary)))
    return _conclude(reports, trials, baseline, tolerance / 100, as_json)


def _write(path: Path, text: str) -> None:
    write_text(path, text)
    click.echo(f"wrote {path}", err=True)


def _conclude(
    reports: Sequence[Report],
    trials: Sequence[Trial],
    baseline: Path | None,
    tolerance: float,
    as_json: bool,
) -> Exit:
    """Print what was found; return the exit status."""
    equal = all(report.verdict == "equal" for report in reports)
    sent = [{"origin": trial.origin, "coverage": trial.coverage} for trial in trials]
    verdict = "equal" if equal else "different"
    result = document("verify", {"verdict": verdict, "reports": reports, "samples": sent})
    tables = _tables(reports, trials)
    grown: tuple[Regression, ...] = ()
    if baseline is not None:
        grown = regressions(result, baseline, tolerance)
        result["regressions"] = grown
        tables += regression_tables(grown, tolerance)
    emit("verify", result, as_json, lambda: tables)
    return Exit.DONE if equal and not grown else Exit.DIFFERENT


def _tables(reports: Sequence[Report], trials: Sequence[Trial]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for report, trial in zip(reports, trials, strict=True):
        parts += verification_tables(report, trial)
    return parts


def verify_all(
    subjects: Sequence[Subject], trials: Sequence[Trial], pool: ThreadPoolExecutor
) -> list[Report]:
    """Verify all boards at once, with one progress bar."""
    total = sum(len(trial.inputs[0]) for trial in trials)
    with progress("verifying", total) as advance:

        def one(subject: Subject, trial: Trial) -> Report:
            steps = _steps(advance)
            return verify(subject.graph, subject.session, subject.layers, trial.inputs, steps)

        return list(pool.map(one, subjects, trials))


def _steps(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Turn "so many are done" into steps of one."""
    done = 0

    def tell(so_far: int, _: int) -> None:
        nonlocal done
        advance(so_far - done)
        done = so_far

    return tell
