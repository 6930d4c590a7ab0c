"""Comparisons of runtimes as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from qembed.report.terminal import count, layer_name, safe, table
from qembed.verify.diff import Comparison


def comparison_tables(comparisons: Sequence[Comparison], profile: str) -> list[RenderableType]:
    """Show how many samples agree, and where the others part."""
    overview = table("runtime", ">equal", ">share", ">largest", "as its profile predicts")
    where = table("runtime", "first layer to depart", "op", ">samples", ">values", ">largest")
    notes: list[RenderableType] = []
    for one in comparisons:
        predicted = "not run" if one.predicted is None else f"{one.predicted} of {one.samples}"
        overview.add_row(
            one.runtime,
            f"{one.equal} of {one.samples}",
            f"{one.equal / one.samples:.1%}",
            str(one.largest),
            predicted,
        )
        for step in one.departures:
            where.add_row(
                one.runtime,
                layer_name(step.name),
                step.op,
                count(step.samples),
                count(step.elements),
                str(step.largest),
            )
        for why in dict.fromkeys((d.op, d.why) for d in one.departures):
            notes.append(Text(f"{one.runtime}: {why[0]} {why[1]}."))
        if one.note:
            notes.append(Text(f"{safe(one.note)}; the figures are those of its profile."))
    parts: list[RenderableType] = [Text(f"outputs compared with profile {profile}"), overview]
    return [*parts, *([where] if where.row_count else []), *notes]
