"""Verifications for machines and browsers: JUnit test cases, and one HTML page."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

import qembed
from qembed.ir import Graph
from qembed.report import html, svg
from qembed.report.junit import Case
from qembed.report.model import ModelSummary
from qembed.report.terminal import count
from qembed.report.verification import (
    Result,
    coverage_summary,
    difference_rows,
    line_summary,
    performance_rows,
    verdict_line,
)
from qembed.verify.report import QUANTILES, Cost, LayerSummary, Report
from qembed.verify.vectors import CORNERS, Coverage


def verification_cases(results: Sequence[Result]) -> list[Case]:
    """Make one test case of every layer on every board."""
    cases = []
    for report in (result.report for result in results):
        share = report.line.seconds / max(len(report.layers), 1)
        for row in report.layers:
            name = f"{report.model} on {report.firmware}: {row.layer} {row.name} ({row.op})"
            cases.append(Case(name, share, _failure(report, row)))
    return cases


def _failure(report: Report, row: LayerSummary) -> str:
    if not row.differing:
        return ""
    text = f"differs in {row.differing} of {report.samples} samples, first in {row.first}"
    if report.first is not None and report.first.layer == row.layer:
        text += "".join(f"\n{key}: {value}" for key, value in difference_rows(report.first))
    return text


def verification_page(results: Sequence[Result], model: ModelSummary | None = None) -> html.Page:
    """Put everything that is known of verifications on one page.

    Parameters
    ----------
    results : sequence of Result
    model : ModelSummary, optional
        For the target that the firmware was made for, if that is known.
    """
    sections = [section for result in results for section in _sections(result, len(results) > 1)]
    if model is not None and model.arena_bytes:
        steps = [""] * (1 + max(region.last for region in model.memory))
        drawing = html.Plot(svg.memory_map(model.memory, steps, model.arena_bytes))
        note = html.Prose("Bytes of the arena upwards, layers to the right; point for details.")
        sections.append(html.Section(f"Memory on {model.target}", [drawing, note]))
    sections.append(html.Section("Environment", [html.Pairs(_environment())]))
    reports = [result.report for result in results]
    good = all(report.verdict == "equal" for report in reports)
    return html.Page(
        title=f"{', '.join(dict.fromkeys(r.model for r in reports))}: verification",
        verdict="Equal in every byte" if good else "Different",
        good=good,
        details=[f"{report.firmware}: {verdict_line(report)}" for report in reports],
        sections=sections,
    )


def _sections(result: Result, several: bool) -> list[html.Section]:
    report, graph, trial = result.report, result.graph, result.trial
    about = f"{report.firmware}: " if several else ""
    sections = [html.Section(about + "Board and model", [html.Pairs(_facts(result))])]
    if report.first is not None:
        rows = html.Pairs(difference_rows(report.first))
        sections.append(html.Section(about + "The first difference", [rows]))
    sections.append(html.Section(about + "Layers", _layer_blocks(report)))
    sections.append(html.Section(about + "Outputs as real numbers", [_agreement(report)]))
    if trial.coverage:
        sections.append(html.Section(about + "Coverage", [_coverage(graph, trial.coverage)]))
    return sections


def _environment() -> list[tuple[str, str]]:
    now = datetime.now(UTC).isoformat(" ", "seconds")
    return [
        ("written", now),
        ("qembed", qembed.__version__),
        ("computer", f"{platform.platform()}, {platform.machine()}"),
        ("Python", f"{platform.python_version()}, NumPy {np.__version__}"),
    ]


def _facts(result: Result) -> list[tuple[str, str]]:
    report, graph, trial = result.report, result.graph, result.trial
    return [
        ("firmware", report.firmware),
        ("port", report.port),
        ("model", report.model),
        ("SHA-256", report.hash),
        ("numerics", graph.profile),
        *(("source", f"{key}: {value}") for key, value in graph.source.items()),
        ("samples", f"{count(report.samples)}: {trial.origin}"),
        *([("corners", coverage_summary(trial.coverage))] if trial.coverage else []),
        ("compared", f"{count(report.layer_bytes)} bytes of layers, and all outputs"),
        ("line", line_summary(report)),
        *performance_rows(report),
    ]


def _layer_blocks(report: Report) -> list[html.Block]:
    unit = report.cost.unit if report.cost else ""
    columns = ["#", "layer", "operator", "kernel", ">samples that differ", ">first in"]
    rows = [
        [
            str(row.layer),
            row.name,
            row.op,
            row.variant,
            count(row.differing),
            count(row.first) if row.first else "",
            *([] if row.cost is None else [f"{row.cost:,.0f}"]),
        ]
        for row in report.layers
    ]
    marked = frozenset(i for i, row in enumerate(report.layers) if row.differing)
    grid = html.Grid([*columns, *([f">{unit}"] if unit else [])], rows, marked)
    blocks: list[html.Block] = [grid]
    if report.cost is not None and report.cost.least < report.cost.most:
        blocks += [
            html.Prose(f"How the {unit} of an inference are spread, by quantile:"),
            html.Plot(svg.bars(_spread(report.cost))),
            html.Prose(f"Median {unit} of each layer:"),
        ]
    if unit:
        costs = [(row.name, row.cost or 0.0, f"{row.cost or 0:,.0f}") for row in report.layers]
        blocks.append(html.Plot(svg.bars(costs)))
    if marked:
        wrong = [(r.name, float(r.differing), count(r.differing)) for r in report.layers]
        blocks += [html.Prose("Samples that differ, by layer:"), html.Plot(svg.bars(wrong))]
    return blocks


def _spread(cost: Cost) -> list[tuple[str, float, str]]:
    pairs = zip(QUANTILES, cost.quantiles, strict=True)
    return [(f"{100 * q:g} %", value, f"{value:,.0f}") for q, value in pairs]


def _agreement(report: Report) -> html.Grid:
    names = ("acc", "rmse", "mae", "l2r", "mean", "std", "nse", "cos")
    rows = []
    for one in report.agreement:
        values = [getattr(one, name) for name in names]
        rows.append([one.output, *("" if v is None else f"{v:.6g}" for v in values)])
    return html.Grid(["output", *(f">{name}" for name in names)], rows)


def _coverage(graph: Graph, coverage: Sequence[Coverage]) -> html.Grid:
    """Lay out which layer was driven to which corner."""
    met = {(row.node, row.corner): row for row in coverage}
    nodes = list(dict.fromkeys(row.node for row in coverage))
    words = {True: "reached", False: "not reached"}
    rows = [
        [
            graph.nodes[node].name,
            *(
                words[met[node, corner].hit] if met[node, corner].reachable else "impossible"
                for corner in CORNERS
            ),
        ]
        for node in nodes
    ]
    return html.Grid(["layer", *CORNERS], rows)
