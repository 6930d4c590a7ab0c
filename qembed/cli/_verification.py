"""What verify and replay share: judging with a progress bar, and telling what was found."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from qembed.cli import Exit
from qembed.cli._common import FILE, baseline_options, emit, json_option, progress
from qembed.device.session import Session
from qembed.files import write_text
from qembed.report import html, junit
from qembed.report.baseline import Regression, regression_tables, regressions
from qembed.report.document import document
from qembed.report.model import summarize
from qembed.report.verification import Result, verification_tables
from qembed.report.verification_page import verification_cases, verification_page
from qembed.targets import Target
from qembed.verify.check import verify
from qembed.verify.stress import LAYOUTS, stress
from qembed.verify.subject import Subject
from qembed.verify.trial import Trial


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

            session, inputs = subject.session, trial.inputs
            reports = [verify(subject.graph, session, subject.layers, inputs, steps())]
            if stressed:
                assert isinstance(session, Session)  # what is recorded cannot be stressed
                reports += stress(subject, session, trial, steps)
            return [Result(subject.graph, trial, report) for report in reports]

        return [result for results in pool.map(one, subjects, trials) for result in results]


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
