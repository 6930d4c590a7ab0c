"""What verify and replay share: judging with a progress bar, and telling what was found."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from qembed.cli import Exit
from qembed.cli._common import FILE, baseline_options, emit, json_option, progress, stderr
from qembed.cli._line import Plug
from qembed.device.session import Session
from qembed.files import write_text
from qembed.report import html, junit
from qembed.report.baseline import Regression, regression_tables, regressions
from qembed.report.document import document
from qembed.report.model import summarize
from qembed.report.verification import Result, verification_tables
from qembed.report.verification_page import verification_cases, verification_page
from qembed.targets import Target
from qembed.verify.check import Judge
from qembed.verify.journal import Recorder
from qembed.verify.opinion import with_second_opinion
from qembed.verify.report import Report
from qembed.verify.soak import Standing, soak
from qembed.verify.stress import LAYOUTS, stress
from qembed.verify.subject import Subject
from qembed.verify.trial import Trial
from qembed.verify.witness import Witness

SAY_AFTER = 300.0
"""Seconds between two lines of progress where there is no terminal."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """How to tell what was found."""

    baseline: Path | None
    tolerance: float
    junit_file: Path | None
    html_file: Path | None
    as_json: bool


def reporting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a `Reporting`, which the function gets as `reporting`."""

    @functools.wraps(function)
    def packed(**options: Any) -> Any:
        names = Reporting.__dataclass_fields__
        own = Reporting(**{name: options.pop(name) for name in names})
        return function(reporting=own, **options)

    decorators = (
        baseline_options,
        click.option("--junit", "junit_file", type=FILE, help="Also write a JUnit report."),
        click.option("--html", "html_file", type=FILE, help="Also write a page to look at."),
        json_option,
    )
    wrapped: Callable[..., Any] = packed
    for decorate in reversed(decorators):
        wrapped = decorate(wrapped)
    return wrapped


def judge_all(
    subjects: Sequence[Subject],
    trials: Sequence[Trial],
    pool: ThreadPoolExecutor,
    stressed: bool = False,
) -> list[Result]:
    """Verify all boards at once, with one progress bar; `stressed`: in every layout too."""
    runs = 1 + len(LAYOUTS) * stressed
    total = sum(len(trial.inputs[0]) for trial in trials) * runs
    with progress("verifying", total) as advance:

        def one(subject: Subject, trial: Trial) -> list[Result]:
            def steps() -> Callable[[int, int], None]:
                return _steps(advance)

            session = subject.session
            reports = [_judge(subject, trial).run_once(steps())]
            if stressed:
                assert isinstance(session, Session)  # what is recorded cannot be stressed
                reports += stress(subject, session, trial, steps)
            return [_result(subject, trial, report) for report in reports]

        return [result for results in pool.map(one, subjects, trials) for result in results]


def soak_all(
    subjects: Sequence[Subject],
    trials: Sequence[Trial],
    pool: ThreadPoolExecutor,
    seconds: float,
    plugs: Sequence[Plug] = (),
) -> list[Result]:
    """Verify all boards again and again, with a line that says how they stand."""
    with standing_line(len(subjects), seconds) as tell:

        def one(number: int) -> Result:
            subject, trial = subjects[number], trials[number]
            reopen = _again(subject.session, plugs[number]) if plugs else None
            judge = _judge(subject, trial)
            report = soak(judge, seconds, reopen, lambda standing: tell(number, standing))
            return _result(subject, trial, report)

        return list(pool.map(one, range(len(subjects))))


def _result(subject: Subject, trial: Trial, report: Report) -> Result:
    first = with_second_opinion(report.first, subject, trial.inputs)
    return Result(subject.graph, trial, replace(report, first=first))


def _judge(subject: Subject, trial: Trial) -> Judge:
    return Judge(subject.graph, subject.session, subject.layers, trial.inputs, subject.build)


def _again(witness: Witness, plug: Plug) -> Callable[[], Witness]:
    """Open a board's port once more; what it says goes on into the same recording."""

    def reopen() -> Witness:
        session = plug.session_again()
        return witness.moved_to(session) if isinstance(witness, Recorder) else session

    return reopen


@contextlib.contextmanager
def standing_line(boards: int, seconds: float) -> Iterator[Callable[[int, Standing], None]]:
    """Show how long runs stand: a live line on a terminal, else one every few minutes."""
    console = stderr()
    standings: dict[int, Standing] = {}
    said = time.monotonic()
    with console.status("soaking") as status:

        def tell(number: int, standing: Standing) -> None:
            nonlocal said
            standings[number] = standing
            if console.is_terminal:
                status.update(_standing(list(standings.values()), seconds))
            elif time.monotonic() - said >= SAY_AFTER:
                said = time.monotonic()
                click.echo(_standing(list(standings.values()), seconds), err=True)

        yield tell


def _standing(standings: Sequence[Standing], seconds: float) -> str:
    """Sum up all boards in a line."""
    spent = max(standing.seconds for standing in standings)
    counted = [
        f"{sum(getattr(standing, name) for standing in standings):,} {what}"
        for name, what in (
            ("passes", "passes"),
            ("samples", "samples"),
            ("differing", "different"),
            ("resets", "resets"),
            ("reconnects", "reconnects"),
        )
    ]
    return f"{spent / 3600:.2f} of {seconds / 3600:.2f} h: {', '.join(counted)}"


def _steps(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Turn "so many are done" into steps of one."""
    done = 0

    def tell(so_far: int, _: int) -> None:
        nonlocal done
        advance(so_far - done)
        done = so_far

    return tell


def conclude(
    command: str, results: Sequence[Result], reporting: Reporting, target: Target | None = None
) -> Exit:
    """Write and print what was found; return the exit status.

    `target` is that of the (first) board that was built, whose memory the page then shows.
    """
    if reporting.junit_file:
        text = junit.render(f"qembed {command}", verification_cases(results))
        _write(reporting.junit_file, text)
    if reporting.html_file:
        summary = summarize(results[0].graph, target) if target else None
        _write(reporting.html_file, html.render(verification_page(results, summary)))
    equal = all(result.report.verdict == "equal" for result in results)
    sent = [{"origin": r.trial.origin, "coverage": r.trial.coverage} for r in results]
    reports = [result.report for result in results]
    verdict = "equal" if equal else "different"
    found = document(command, {"verdict": verdict, "reports": reports, "samples": sent})
    tables = verification_tables(results)
    grown: tuple[Regression, ...] = ()
    if reporting.baseline is not None:
        tolerance = reporting.tolerance / 100
        grown = regressions(found, reporting.baseline, tolerance)
        found["regressions"] = grown
        tables += regression_tables(grown, tolerance)
    emit(command, found, reporting.as_json, lambda: tables)
    return Exit.DONE if equal and not grown else Exit.DIFFERENT


def _write(path: Path, text: str) -> None:
    write_text(path, text)
    click.echo(f"wrote {path}", err=True)
