"""qembed verify."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click

from qembed.boards import Board, list_boards, load_board
from qembed.cli._common import (
    FILE,
    cmsis_nn_option,
    load_model,
    model_argument,
    optimize_option,
    stderr,
)
from qembed.cli._verification import Reporting, conclude, judge_all, reporting_options
from qembed.device.transport import open_port
from qembed.errors import QembedError, ToolError, UnsupportedError
from qembed.ir import Graph
from qembed.report.verification import Result
from qembed.verify.subject import Subject, at_port, journal_of, on_board, recorded
from qembed.verify.trial import Kind, Trial, choose, repeated


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
@optimize_option
@cmsis_nn_option
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
@click.option("--repeat", type=click.IntRange(1), default=1, help="Run every sample so often.")
@click.option(
    "--stress",
    is_flag=True,
    help="Run everything again with the arena moved and full of rubbish, its surroundings watched.",
)
@click.option("--record", type=FILE, help="Write all that the board says to this file.")
@click.option(
    "--resume", is_flag=True, help="Go on where an interrupted run, or this recording, ended."
)
@reporting_options
def command(
    model: Path | None,
    ports: tuple[str, ...],
    boards: tuple[str, ...],
    optimize: str | None,
    cmsis_nn: Path | None,
    inputs: Path | None,
    samples: int | None,
    vectors: str,
    baud: int,
    rtscts: bool,
    reset: bool,
    manifest: Path | None,
    repeat: int,
    stress: bool,
    record: Path | None,
    resume: bool,
    reporting: Reporting,
) -> int:
    """Prove that a board computes the bytes of the desk.

    Every sample is run on the board, which returns its outputs and a hash of every layer's output;
    all of them are compared. At the first difference the layer's bytes are fetched, and the first
    wrong element is shown with who is to blame and the likely cause. Exit status 0: equal,
    1: different.

    With --port, MODEL may be left out if it was exported on this computer: the board is asked which
    one it runs. What it says is kept, so that --resume can go on after an interruption; qembed
    replay judges a recording again without the board.
    """
    if bool(ports) == bool(boards):
        raise click.UsageError("say where to verify: either --port PORT or --board BOARD")
    if record and (len(ports) + len(boards) != 1 or "all" in boards):
        raise click.UsageError("--record goes with one board")
    if ports and optimize:
        raise click.UsageError("--optimize goes with --board: a port runs what was exported before")
    if stress and (record or resume):
        raise click.UsageError("--stress goes without --record and --resume")
    graph = load_model(model) if boards or model else None

    def choose_for(graph: Graph) -> Trial:
        return repeated(choose(graph, cast(Kind, vectors), inputs, samples), repeat)

    if boards and graph:
        trial = choose_for(graph)

        @contextlib.contextmanager
        def booted(board: Board) -> Iterator[Subject]:
            with on_board(graph, board, cmsis_nn) as subject, contextlib.ExitStack() as stack:
                yield _kept(stack, subject, record, resume) if record else subject

        return conclude(
            "verify",
            list(_on_boards(booted, trial, _chosen(boards, optimize), stress)),
            reporting,
            None if "all" in boards else load_board(boards[0], optimize).target,
        )
    if graph:
        trial = choose_for(graph)  # before a port is opened: what is wrong here is wrong anyway
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
        trials = [trial if graph else choose_for(s.graph) for s in subjects]
        if not stress:
            subjects = [_kept(stack, s, record, resume) for s in subjects]
        try:
            results = judge_all(subjects, trials, pool, stress)
        except KeyboardInterrupt:
            click.echo("what the board said is kept: --resume goes on from here", err=True)
            raise
    return conclude("verify", results, reporting)


def _kept(
    stack: contextlib.ExitStack, subject: Subject, record: Path | None, resume: bool
) -> Subject:
    """Record a board, in any case where an interruption can be resumed from."""
    path = record or journal_of(subject.session.url)
    try:
        if record is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        return stack.enter_context(recorded(subject, path, resume))
    except (QembedError, OSError) as error:
        if record or resume:
            raise
        click.echo(f"not recorded: {error}", err=True)
        return subject


@dataclass(frozen=True, slots=True)
class _Boards:
    """Boards to verify, and whether one that cannot be is passed over."""

    boards: tuple[Board, ...]
    every: bool


def _chosen(names: Sequence[str], optimize: str | None) -> _Boards:
    every = "all" in names
    boards = [load_board(name, optimize) for name in (list_boards() if every else names)]
    return _Boards(tuple(b for b in boards if b.emulator is not None or not every), every)


def _on_boards(
    booted: Callable[[Board], contextlib.AbstractContextManager[Subject]],
    trial: Trial,
    chosen: _Boards,
    stress: bool,
) -> Iterator[Result]:
    """Verify on boards of this computer, one after the other."""
    done = 0
    for board in chosen.boards:
        try:
            with contextlib.ExitStack() as stack:
                with stderr().status(f"building for {board.name}"):
                    subject = stack.enter_context(booted(board))
                with ThreadPoolExecutor(1) as pool:
                    yield from judge_all([subject], [trial], pool, stress)
            done += 1
        except (ToolError, UnsupportedError) as error:
            if not chosen.every:
                raise
            click.echo(f"skipped {board.name}: {error}", err=True)
    if not done:
        raise ToolError("no board could be verified: see qembed doctor")
