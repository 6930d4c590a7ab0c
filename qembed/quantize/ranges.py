"""Ranges of real numbers for a tensor: candidates, of which the quantizer picks by effect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qembed.ir import AnyArray
from qembed.quantize.scheme import Range, encoding_of

MOST_VALUES = 1 << 18
"""Enough for a percentile or a histogram."""
SHRINKS = np.linspace(0.3, 1.0, 36)
BINS = 2048
LEVELS = 128


def min_max(values: AnyArray) -> Range:
    """Cover everything that was seen."""
    return float(values.min()), float(values.max())


def percentile(share: float) -> Callable[[AnyArray], Range]:
    """Cover all but the outermost values: `share` per cent at most lie below its end."""

    def span(values: AnyArray) -> Range:
        low, high = np.percentile(values, (100 - share, share))
        return float(low), float(high)

    return span


def squared_error(values: AnyArray) -> Range:
    """Scale the full range until int8 has the least squared error."""
    low, high = min_max(values)
    best, span = np.inf, (low, high)
    for shrink in SHRINKS:
        by = encoding_of((low * shrink, high * shrink), "int8").quantization
        steps = np.clip(np.rint(values / np.float32(by.scale)) + by.zero_point, -128, 127)
        error = float(np.mean(np.square((steps - by.zero_point) * np.float32(by.scale) - values)))
        if error < best:
            best, span = error, (low * shrink, high * shrink)
    return span


def divergence(values: AnyArray) -> Range:
    """Scale the full range until its 8-bit histogram diverges least (Kullback and Leibler)."""
    low, high = min_max(values)
    reach = max(-low, high)
    if reach == 0:
        return low, high
    counts = np.histogram(np.abs(values), BINS, (0.0, reach))[0].astype(np.float64)
    best, kept = np.inf, BINS
    for bins in range(LEVELS, BINS + 1, LEVELS // 4):
        loss = _divergence(counts, bins)
        if loss < best:
            best, kept = loss, bins
    limit = reach * kept / BINS
    return max(low, -limit), min(high, limit)


def _divergence(counts: NDArray[np.float64], bins: int) -> float:
    """Measure how far the clipped histogram is from the same one in `LEVELS` levels."""
    clipped = counts[:bins].copy()
    clipped[-1] += counts[bins:].sum()
    level = np.arange(bins) * LEVELS // bins
    filled = counts[:bins] > 0
    total = np.bincount(level, counts[:bins], LEVELS)
    share = np.bincount(level, filled, LEVELS)
    told = np.where(filled, (total / np.maximum(share, 1))[level], 0.0)
    p, q = clipped / clipped.sum(), told / max(told.sum(), 1e-30)
    inside = p > 0
    return float(np.sum(p[inside] * np.log(p[inside] / np.maximum(q[inside], 1e-9))))


METHODS: dict[str, Callable[[AnyArray], Range]] = {
    "min-max": min_max,
    "percentile-99.99": percentile(99.99),
    "percentile-99.9": percentile(99.9),
    "mse": squared_error,
    "kl": divergence,
}
"""Ways to a range, by name."""


def thinned(values: AnyArray) -> AnyArray:
    """Return at most `MOST_VALUES` of the values, evenly taken, the extremes among them."""
    flat = values.reshape(-1)
    if flat.size <= MOST_VALUES:
        return flat
    step = -(-flat.size // MOST_VALUES)
    return np.concatenate([flat[::step], [flat.min(), flat.max()]])
