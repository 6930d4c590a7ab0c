"""A verification as tables, as a page, as test cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from qembed.ir import Graph
from qembed.report.terminal import count, layer_name, pairs, table
from qembed.verify.report import BLAMES, NATIVES, QUANTILES, Cost, Difference, Report
from qembed.verify.trial import Trial
from qembed.verify.vectors import Coverage


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A model, what was sent to a board that runs it, and what came of it."""

    graph: Graph
    trial: Trial
    report: Report


def verdict_line(report: Report) -> str:
    """Say in one line what was found."""
    if report.verdict == "equal":
        return (
            f"EQUAL: {count(report.samples)} samples{_passes(report)}, "
            f"{len(report.layers)} layers, "
            f"{count(report.layer_bytes)} bytes, no difference"
        )
    return (
        f"DIFFERENT: {count(report.differing)} of {count(report.samples)} samples{_passes(report)}"
    )


def _passes(report: Report) -> str:
    return f" in {count(report.passes)} passes" if report.passes > 1 else ""


def verification_tables(results: Sequence[Result]) -> list[RenderableType]:
    """Show verifications: one in full; of several an overview, and those in full that differ."""
    if len(results) == 1:
        return _in_full(results[0])
    parts: list[RenderableType] = []
    for result in results:
        if result.report.verdict != "equal":
            parts += _in_full(result)
    return [*parts, _overview(results)]


def _in_full(result: Result) -> list[RenderableType]:
    report, trial = result.report, result.trial
    facts = [
        ("board", f"{report.firmware} at {report.port}"),
        ("model", f"{report.model} {report.hash[:16]}"),
        ("samples", f"{count(report.samples)}: {trial.origin}"),
        *([("corners", coverage_summary(trial.coverage))] if trial.coverage else []),
        ("line", line_summary(report)),
        *performance_rows(report),
    ]
    return [_layer_table(report), pairs(facts), *verdict_parts(report)]


def _overview(results: Sequence[Result]) -> RenderableType:
    made = table("firmware", "model", ">samples", ">bytes", ">different", ">one inference", "in")
    for report in (result.report for result in results):
        wrong = Text(count(report.differing), "bold red" if report.differing else "green")
        spent = (f"{report.cost.median:,.0f}", report.cost.unit) if report.cost else ("", "")
        made.add_row(
            report.firmware,
            report.model,
            count(report.samples),
            count(report.layer_bytes),
            wrong,
            *spent,
        )
    return made


def verdict_parts(report: Report) -> list[RenderableType]:
    """Show the first difference in full, if there is one, and the verdict."""
    parts: list[RenderableType] = []
    if report.first is not None:
        parts += [Text("\nthe first difference", "bold"), pairs(difference_rows(report.first))]
    style = "bold green" if report.verdict == "equal" else "bold red"
    return [*parts, Text(f"\n{verdict_line(report)}", style)]


def difference_rows(first: Difference) -> list[tuple[str, str]]:
    """Name everything that is known of a difference."""
    rows = [("sample", str(first.sample))]
    if first.name:
        rows.append(("layer", f"{first.layer} '{first.name}', {first.op}"))
        rows.append(("kernel", f"{first.function} ({first.variant})"))
    if first.tensor:
        rows.append(("tensor", first.tensor))
    if first.index:
        rows.append(("element", f"[{', '.join(map(str, first.index))}]"))
        if first.accumulator is not None:
            rows.append(("accumulator", count(first.accumulator)))
        rows.append(("expected", _number(first.expected)))
        rows.append(("got", _number(first.got)))
        rows.append(
            (
                "differing",
                f"{count(first.differing)} of {count(first.elements)} elements, "
                f"by up to {_number(first.largest)}",
            )
        )
    if first.pattern:
        rows.append(("pattern", first.pattern))
    rows.append(("blame", BLAMES[first.blame]))
    if first.native:
        kernel = "" if first.variant in ("", "portable") else f"the {first.variant} kernel, "
        rows.append(("on this computer", NATIVES[first.native].format(variant=kernel)))
    for number, cause in enumerate(first.causes):
        rows.append(("likely cause" if number == 0 else "or", cause.text))
        rows += [("in flash", f"{s.address:#010x}, {s.symbol} + {s.offset}") for s in cause.sites]
    return rows


def line_summary(report: Report) -> str:
    """Say how the link behaved."""
    line = report.line
    trouble = [
        f"{count(number)} {what}"
        for number, what in (
            (line.lost_frames, "frames lost"),
            (line.damaged, "damaged"),
            (line.stale_frames, "stale"),
            (line.resets, "resets of the board"),
            (line.reconnects, "times plugged in again"),
        )
        if number
    ]
    return (
        f"{count(line.sent_bytes)} bytes sent, {count(line.received_bytes)} received in "
        f"{line.seconds:.1f} s; {', '.join(trouble) or 'nothing lost'}"
    )


def coverage_summary(coverage: Sequence[Coverage]) -> str:
    """Say how many arithmetic corners were reached."""
    reachable = [row for row in coverage if row.reachable]
    hit = sum(row.hit for row in reachable)
    layers = len({row.node for row in coverage})
    return f"{hit} of {len(reachable)} that can be reached, in {layers} layers"


def performance_rows(report: Report) -> list[tuple[str, str]]:
    """Say what an inference took, by the board's own counter, and of its memory."""
    rows = []
    if report.cost is not None:
        rows.append(("one inference", _cost_summary(report.cost)))
    elif report.counter_unit:
        rows.append(("one inference", f"the board's counter of {report.counter_unit} stands still"))
    memory = report.memory
    arena = f"arena {count(memory.arena_bytes)} bytes"
    if memory.stack_bytes is not None:
        bound = memory.stack_bound
        beside = "" if bound is None else f" (at most {count(bound)} without the link)"
        arena += f", stack {count(memory.stack_bytes)} bytes{beside}"
    return [*rows, ("memory", arena)]


def _cost_summary(cost: Cost) -> str:
    text = f"{cost.median:,.0f} {cost.unit} (from {cost.least:,.0f} to {cost.most:,.0f}"
    if cost.quantiles and cost.least < cost.most:
        late = cost.quantiles[QUANTILES.index(0.99)]
        text += f"; 99 % within {late:,.0f}"
    return text + ")"


def _layer_table(report: Report) -> RenderableType:
    unit = report.cost.unit if report.cost else ""
    costs = (f">{unit}",) if unit else ()
    made = table(">#", "layer", "operator", "kernel", ">different", ">first", *costs)
    for row in report.layers:
        bad = "bold red" if row.first else "red" if row.differing else "green"
        spent = ("" if row.cost is None else f"{row.cost:,.0f}",) if unit else ()
        made.add_row(
            str(row.layer),
            layer_name(row.name),
            row.op,
            row.variant,
            Text(count(row.differing), bad),
            count(row.first) if row.first else "",
            *spent,
        )
    return made


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value!r}"
