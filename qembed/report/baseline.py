"""Hold figures against those of an earlier run, and name what has grown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from qembed.errors import InputError
from qembed.report.document import SCHEMA
from qembed.report.terminal import safe, table

SAME = {"bench": ("model", "board"), "verify": (), "replay": ()}
"""Entries that must agree, by command."""
SIZES = ("instructions", "cycles", "arena_bytes", "code_bytes", "flash_bytes", "stack_bytes")


@dataclass(frozen=True, slots=True)
class Regression:
    """A figure that has grown. `growth`: 0.1 is ten per cent."""

    figure: str
    before: float
    now: float
    growth: float


def regressions(now: dict[str, Any], path: Path, tolerance: float) -> tuple[Regression, ...]:
    """Return every figure that is more than `tolerance` above its baseline.

    Parameters
    ----------
    now : dict
        The JSON document of this run.
    path : Path
        What the same command printed with ``--json`` before.
    tolerance : float
        0.02 lets a figure grow by two per cent.

    Raises
    ------
    InputError
        If the file is not from the same command, model and board.
    """
    before = _read(path, now)
    old, new = dict(_figures(before)), dict(_figures(now))
    missing = sorted(set(old) - set(new))
    if missing:
        raise InputError(f"{path} has a figure '{missing[0]}' that this run has not")
    grown = [
        Regression(name, old[name], new[name], new[name] / old[name] - 1 if old[name] else 1.0)
        for name in old
        if new[name] > old[name] * (1 + tolerance)
    ]
    return tuple(sorted(grown, key=lambda r: -r.growth))


def regression_tables(found: tuple[Regression, ...], tolerance: float) -> list[RenderableType]:
    """Show what has grown, or that nothing has."""
    if not found:
        return [Text(f"\nno figure is more than {tolerance:.1%} above the baseline", "green")]
    made = table("figure", ">before", ">now", ">growth")
    for row in found:
        made.add_row(
            safe(row.figure), f"{row.before:,.0f}", f"{row.now:,.0f}", f"{row.growth:+.1%}"
        )
    return [Text(f"\nmore than {tolerance:.1%} above the baseline", "bold red"), made]


def _read(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} is not what qembed {now['command']} --json prints") from None
    if not isinstance(before, dict) or before.get("schema") != SCHEMA:
        raise InputError(f"{path} is not what qembed {now['command']} --json prints")
    for entry in ("command", *SAME[now["command"]]):
        if before.get(entry) != now[entry]:
            raise InputError(f"{path} is of another {entry} than '{now[entry]}'")
    return before


def _figures(document: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Name every figure of a document; InputError if it is not of the form that we write."""
    try:
        if document["command"] == "bench":
            yield from _of_bench(document)
        else:
            yield from _of_verify(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError("the baseline lacks figures that this version of qembed prints") from None


def _of_bench(document: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name in SIZES:
        if document[name] is not None:
            yield name, float(document[name])
    for row in document["layers"]:
        spent = row["instructions"] if row["instructions"] is not None else row["cycles"]
        if spent is not None:
            yield f"layer {row['index']} {row['name']}", float(spent)


def _of_verify(document: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for number, report in enumerate(document["reports"]):
        board = f"board {number}: " if number else ""
        if report["cost"] is not None:
            yield f"{board}{report['cost']['unit']}", float(report["cost"]["median"])
            for row in report["layers"]:
                yield f"{board}layer {row['layer']} {row['name']}", float(row["cost"])
