"""qembed verify."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import click

from qembed.boards import Board, list_boards, load_board
from qembed.cli._common import (
    FILE,
    cmsis_nn_option,
    load_model,
    memory_options,
    model_argument,
    optimize_option,
    simplify_option,
    stderr,
)
from qembed.cli._line import LineOptions, Plug, line_options
from qembed.cli._verification import Reporting, conclude, judge_all, reporting_options, soak_all
from qembed.errors import QembedError, ToolError, UnsupportedError
from qembed.ir import Graph
from qembed.report.verification import Result
from qembed.verify.subject import Subject, at_port, journal_of, on_board, recorded
from qembed.verify.trial import Kind, Trial, choose, repeated

_OnBoard = Callable[[Graph, Board], contextlib.AbstractContextManager[Subject]]
"""Exports, builds and boots."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to run on every board: `trial` makes its samples, `hours` is how long to repeat them."""

    trial: Callable[[Graph], Trial]
    stress: bool
    hours: float | None
    record: Path | None
    resume: bool

    def run(
        self,
        subjects: Sequence[Subject],
        trials: Sequence[Trial],
        pool: ThreadPoolExecutor,
        plugs: Sequence[Plug] = (),
    ) -> list[Result]:
        """Verify boards that have answered, all at once."""
        if self.hours is None:
            return judge_all(subjects, trials, pool, self.stress)
        return soak_all(subjects, trials, pool, 3600 * self.hours, plugs)


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
@memory_options
@simplify_option
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
@line_options
@click.option("--export", "manifest", type=FILE, help="The .json of the export on the board.")
@click.option("--elf", type=FILE, help="The board's linked firmware: gives flash addresses.")
@click.option("--repeat", type=click.IntRange(1), default=1, help="Run every sample so often.")
@click.option(
    "--soak",
    "hours",
    type=click.FloatRange(0, min_open=True),
    metavar="HOURS",
    help="Run everything again and again for so long; a board that goes away is waited for.",
)
@click.option(
    "--stress",
    type=click.Choice(["layout"]),
    is_flag=False,
    flag_value="layout",
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
    simplify: bool,
    arena_max: int | None,
    push_rows: bool,
    optimize: str | None,
    cmsis_nn: Path | None,
    inputs: Path | None,
    samples: int | None,
    vectors: str,
    line: LineOptions,
    manifest: Path | None,
    elf: Path | None,
    repeat: int,
    hours: float | None,
    stress: str | None,
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
    if ports and (optimize or arena_max or push_rows):
        raise click.UsageError(
            "--optimize, --arena-max and --push-rows go with --board: a port runs what was "
            "exported before"
        )
    if stress and (record or resume or hours):
        raise click.UsageError("--stress goes without --record, --resume and --soak")

    def choose_for(graph: Graph) -> Trial:
        return repeated(choose(graph, cast(Kind, vectors), inputs, samples), repeat)

    plan = _Plan(choose_for, stress is not None, hours, record, resume)
    graph = load_model(model, simplify) if boards or model else None
    if boards and graph:
        every = "all" in boards
        chosen = [load_board(name, optimize) for name in (list_boards() if every else boards)]
        on = partial(on_board, cmsis_nn=cmsis_nn, arena_max=arena_max, push_rows=push_rows)
        results = list(_on_boards(plan, graph, chosen, every, on))
        return conclude("verify", results, reporting, None if every else chosen[0].target)
    return conclude("verify", _at_ports(plan, graph, ports, line, manifest, elf), reporting)


def _at_ports(
    plan: _Plan,
    graph: Graph | None,
    urls: Sequence[str],
    line: LineOptions,
    manifest: Path | None,
    elf: Path | None,
) -> list[Result]:
    """Verify boards behind ports, all at once."""
    # Before a port is opened: what is wrong with the samples is wrong anyway.
    trial = plan.trial(graph) if graph else None
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(len(urls)))
        plugs = [stack.enter_context(Plug(url, line)) for url in urls]
        with stderr().status("shaking hands"):
            subjects = list(pool.map(lambda plug: at_port(plug.port, graph, manifest, elf), plugs))
        trials = [trial or plan.trial(subject.graph) for subject in subjects]
        if not plan.stress:
            subjects = [_kept(stack, subject, plan) for subject in subjects]
        try:
            return plan.run(subjects, trials, pool, plugs)
        except KeyboardInterrupt:
            click.echo("what the board said is kept: --resume goes on from here", err=True)
            raise


def _kept(stack: contextlib.ExitStack, subject: Subject, plan: _Plan) -> Subject:
    """Record a board, in any case where an interruption can be resumed from."""
    path = plan.record or journal_of(subject.session.url)
    try:
        if plan.record is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        return stack.enter_context(recorded(subject, path, plan.resume))
    except (QembedError, OSError) as error:
        if plan.record or plan.resume:
            raise
        click.echo(f"not recorded: {error}", err=True)
        return subject


def _on_boards(
    plan: _Plan, graph: Graph, boards: Sequence[Board], every: bool, on: _OnBoard
) -> Iterator[Result]:
    """Verify on boards of this computer, one after the other; of `every` one, those that can."""
    trial = plan.trial(graph)
    done = 0
    for board in boards:
        if every and board.emulator is None:
            continue
        try:
            yield from _on_board(plan, graph, trial, board, on)
            done += 1
        except (ToolError, UnsupportedError) as error:
            if not every:
                raise
            click.echo(f"skipped {board.name}: {error}", err=True)
    if not done:
        raise ToolError("no board could be verified: see qembed doctor")


def _on_board(plan: _Plan, graph: Graph, trial: Trial, board: Board, on: _OnBoard) -> list[Result]:
    with contextlib.ExitStack() as stack:
        with stderr().status(f"building for {board.name}"):
            subject = stack.enter_context(on(graph, board))
        if plan.record:
            subject = _kept(stack, subject, plan)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        return plan.run([subject], [trial], pool)
