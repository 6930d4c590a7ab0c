"""Small plots as SVG text: no scripts, no fonts, no network; they follow the page's colors."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from qembed.plan.picture import Region

WIDTH = 860
LABEL = 190
"""Pixels left of a bar, for its name."""
ROW = 20
HUES = (210, 30, 140, 0, 270, 180, 50, 320)


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Draw horizontal bars.

    Parameters
    ----------
    rows : sequence of (str, float, str)
        Name, length, and what is written behind the bar.
    """
    longest = max((value for _, value, _ in rows), default=0) or 1
    room = WIDTH - LABEL - 130
    parts = []
    for i, (name, value, text) in enumerate(rows):
        y, length = i * ROW, max(value / longest * room, 0.5 if value else 0)
        parts += [
            _text(LABEL - 8, y + 14, name, "end"),
            f'<rect x="{LABEL}" y="{y + 4}" width="{length:.1f}" height="{ROW - 8}"'
            f' fill="hsl({HUES[0]} 60% 50%)"><title>{escape(name)}: {escape(text)}</title></rect>',
            _text(LABEL + length + 6, y + 14, text),
        ]
    return _svg(len(rows) * ROW, parts)


def histogram(values: NDArray[np.float64], unit: str, bins: int = 40) -> str:
    """Draw how values are distributed."""
    counts, edges = np.histogram(values, bins=bins)
    height, wide = 140, (WIDTH - 20) / bins
    parts = []
    for i, count in enumerate(counts):
        tall = float(count) / float(counts.max()) * (height - 30)
        title = f"{edges[i]:.6g} .. {edges[i + 1]:.6g} {unit}: {count}"
        parts.append(
            f'<rect x="{10 + i * wide:.1f}" y="{height - 20 - tall:.1f}" width="{wide - 1:.1f}"'
            f' height="{tall:.1f}" fill="hsl({HUES[0]} 60% 50%)">'
            f"<title>{escape(title)}</title></rect>"
        )
    parts.append(_text(10, height - 4, f"{edges[0]:.6g} {unit}"))
    parts.append(_text(WIDTH - 10, height - 4, f"{edges[-1]:.6g} {unit}", "end"))
    return _svg(height, parts)


def memory_map(regions: Sequence[Region], steps: Sequence[str], arena_bytes: int) -> str:
    """Draw what lies where in the arena while each step runs: time to the right, offset upwards."""
    height, left = 320, 70
    column = (WIDTH - left - 10) / max(len(steps), 1)
    scale = (height - 30) / max(arena_bytes, 1)
    parts = []
    labels = {label: i for i, label in enumerate(dict.fromkeys(r.label for r in regions))}
    for region in regions:
        hue = HUES[labels[region.label] % len(HUES)]
        x = left + region.first * column
        tall = region.size * scale
        y = height - 20 - (region.offset + region.size) * scale
        title = (
            f"{region.label}: {region.size:,} bytes at {region.offset:,}, "
            f"steps {region.first} to {region.last}"
        )
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" height="{tall:.1f}"'
            f' width="{max((region.last - region.first + 1) * column - 2, 0.5):.1f}"'
            f' fill="hsl({hue} 55% 55%)" fill-opacity="0.75" stroke="currentColor"'
            f' stroke-width="0.5"><title>{escape(title)}</title></rect>'
        )
        if column * (region.last - region.first + 1) > 60 and tall > 14:
            parts.append(_text(x + 6, y + 13, region.label))
    parts.append(_text(left - 6, 14, f"{arena_bytes:,}", "end"))
    parts.append(_text(left - 6, height - 20, "0", "end"))
    for i, step in enumerate(steps):
        parts.append(_text(left + (i + 0.5) * column, height - 4, str(i), "middle", step))
    return _svg(height, parts)


def _svg(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
        + "".join(parts)
        + "</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", title: str = "") -> str:
    shown = text if len(text) <= 28 else "…" + text[-27:]
    hint = f"<title>{escape(title or text)}</title>"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{hint}{escape(shown)}</text>'
