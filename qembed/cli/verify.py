"""qembed verify."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import click

from qembed.boards import list_boards, load_board
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
from qembed.errors import ToolError, UnsupportedError
from qembed.files import write_text
from qembed.ir import Graph
from qembed.report import html, junit
from qembed.report.baseline import Regression, regression_tables, regressions
from qembed.report.document import document
from qembed.report.model import summarize
from qembed.report.verification import Result, verification_tables
from qembed.report.verification_page import verification_cases, verification_page
from qembed.verify.check import verify
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
@click.option(
    "--board",
    "boards",
    multiple=True,
    help="Export, build, boot and verify this board; several: one after the other; all: every "
    "emulated board that this computer can run and the model fits.",
)
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
    boards: tuple[str, ...],
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
    if bool(ports) == bool(boards):
        raise click.UsageError("say where to verify: either --port PORT or --board BOARD")
    graph = load_model(model) if boards or model else None
    trial = choose(graph, cast(Kind, vectors), inputs, samples) if graph else None
    if graph and trial and boards:
        results = list(_on_boards(graph, trial, boards))
    else:

        def choose_for(graph: Graph) -> Trial:
            return trial or choose(graph, cast(Kind, vectors), inputs, samples)

        with contextlib.ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(len(ports)))
            lines = [
                stack.enter_context(
                    contextlib.closing(open_port(url, baud, rtscts=rtscts, reset=reset))
                )
                for url in ports
            ]
            with stderr().status("shaking hands"):
                subjects = list(pool.map(lambda line: at_port(line, graph, manifest), lines))
            results = verify_all(subjects, [choose_for(s.graph) for s in subjects], pool)
    if junit_file:
        _write(junit_file, junit.render("qembed verify", verification_cases(results)))
    if html_file:
        summary = summarize(results[0].graph, load_board(boards[0]).target) if boards else None
        _write(html_file, html.render(verification_page(results, summary)))
    return _conclude(results, baseline, tolerance / 100, as_json)


def _on_boards(graph: Graph, trial: Trial, names: Sequence[str]) -> Iterator[Result]:
    """Verify on boards of this computer, one after the other."""
    every = "all" in names
    done = 0
    for board in [load_board(name) for name in (list_boards() if every else names)]:
        if every and board.emulator is None:
            continue
        try:
            with contextlib.ExitStack() as stack:
                with stderr().status(f"building for {board.name}"):
                    subject = stack.enter_context(on_board(graph, board))
                with ThreadPoolExecutor(1) as pool:
                    yield from verify_all([subject], [trial], pool)
            done += 1
        except (ToolError, UnsupportedError) as error:
            if not every:
                raise
            click.echo(f"skipped {board.name}: {error}", err=True)
    if not done:
        raise ToolError("no board could be verified: see qembed doctor")


def _write(path: Path, text: str) -> None:
    write_text(path, text)
    click.echo(f"wrote {path}", err=True)


def _conclude(
    results: Sequence[Result], baseline: Path | None, tolerance: float, as_json: bool
) -> Exit:
    """Print what was found; return the exit status."""
    equal = all(result.report.verdict == "equal" for result in results)
    fields = {
        "verdict": "equal" if equal else "different",
        "reports": [result.report for result in results],
        "samples": [
            {"origin": result.trial.origin, "coverage": result.trial.coverage} for result in results
        ],
    }
    found = document("verify", fields)
    tables = verification_tables(results)
    grown: tuple[Regression, ...] = ()
    if baseline is not None:
        grown = regressions(found, baseline, tolerance)
        found["regressions"] = grown
        tables += regression_tables(grown, tolerance)
    emit("verify", found, as_json, lambda: tables)
    return Exit.DONE if equal and not grown else Exit.DIFFERENT


def verify_all(
    subjects: Sequence[Subject], trials: Sequence[Trial], pool: ThreadPoolExecutor
) -> list[Result]:
    """Verify all boards at once, with one progress bar."""
    total = sum(len(trial.inputs[0]) for trial in trials)
    with progress("verifying", total) as advance:

        def one(subject: Subject, trial: Trial) -> Result:
            steps = _steps(advance)
            report = verify(subject.graph, subject.session, subject.layers, trial.inputs, steps)
            return Result(subject.graph, trial, report)

        return list(pool.map(one, subjects, trials))


def _steps(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Turn "so many are done" into steps of one."""
    done = 0

    def tell(so_far: int, _: int) -> None:
        nonlocal done
        advance(so_far - done)
        done = so_far

    return tell
