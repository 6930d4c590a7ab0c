"""What exact simplification took out of a model, as tables for people."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from qembed.optimize import Optimized, Removal, SeenConstant
from qembed.report.terminal import count, layer_name, pairs, table

REASONS = {
    "constant": "the same for every input; folded into the next layer",
    "unread": "nothing reads it",
    "identity": "changes no value",
    "padding": "a border that the next layer adds by itself",
    "fused": "one table with the layer behind it",
}
LISTED = 12
"""Channels of a layer that are named; of more only the number is told."""


@dataclass(frozen=True, slots=True)
class Optimization:
    """The outcome without the graph.

    Attributes
    ----------
    removed : tuple of Removal
    macs_before, macs_after, weight_bytes_before, weight_bytes_after : int
        As in `qembed.optimize.Optimized`.
    seen_constant : tuple of SeenConstant
        What the model's own samples never change, but nothing proves; all of it is kept.
    samples : int
        How many those were.
    """

    removed: tuple[Removal, ...]
    macs_before: int
    macs_after: int
    weight_bytes_before: int
    weight_bytes_after: int
    seen_constant: tuple[SeenConstant, ...]
    samples: int


def summarize_optimization(
    result: Optimized, seen: tuple[SeenConstant, ...], samples: int
) -> Optimization:
    """Return what there is to tell."""
    return Optimization(
        result.removed,
        result.macs_before,
        result.macs_after,
        result.weight_bytes_before,
        result.weight_bytes_after,
        seen,
        samples,
    )


def removable_tables(outcome: Optimization) -> list[RenderableType]:
    """Show what could go; nothing if there is nothing to tell."""
    if not outcome.removed and not outcome.seen_constant:
        return []
    if not outcome.removed:
        return _details(outcome)
    work = _change(outcome.macs_before, outcome.macs_after)
    weights = _change(outcome.weight_bytes_before, outcome.weight_bytes_after)
    said = Text(
        "With --simplify, or after qembed optimize, every output byte stays and this is gone: "
        f"work {work}, weights {weights} bytes."
    )
    return [said, *_details(outcome)]


def optimization_tables(outcome: Optimization) -> list[RenderableType]:
    """Show what went and why, then what it saves."""
    parts = _details(outcome)
    weights = _change(outcome.weight_bytes_before, outcome.weight_bytes_after)
    sums = [
        ("work", f"{_change(outcome.macs_before, outcome.macs_after)} multiply-accumulates"),
        ("weights", f"{weights} bytes"),
    ]
    if not outcome.removed:
        parts.append(Text("Nothing to remove: every channel can change and is read."))
    return [*parts, pairs(sums)]


def _details(outcome: Optimization) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if outcome.removed:
        gone = table("layer", "removed", "reason")
        for removal in outcome.removed:
            what = _channels(removal.channels) if removal.channels else "the layer"
            gone.add_row(layer_name(removal.node), what, REASONS[removal.reason])
        parts.append(gone)
    if outcome.seen_constant:
        kept = table("layer", f"constant in {count(outcome.samples)} samples, not proved: kept")
        for row in outcome.seen_constant:
            kept.add_row(layer_name(row.node), _channels(row.channels))
        parts.append(kept)
    return parts


def _channels(indices: tuple[int, ...]) -> str:
    noun = "channel" if len(indices) == 1 else "channels"
    if len(indices) > LISTED:
        return f"{count(len(indices))} {noun}"
    return f"{noun} {', '.join(map(str, indices))}"


def _change(before: int, after: int) -> str:
    share = f" ({after / before - 1:+.1%})" if after != before else ""
    return f"{count(before)} -> {count(after)}{share}" if after != before else count(before)
