"""Why a layer is wrong: candidates are run on the desk until one gives the board's bytes.

A cause is named only if it explains every observed byte of the layer, the right ones as well as the
wrong ones, on every sample at hand. Several may do so; they come in the order of `RULES`, the
likeliest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from qembed.ir import AnyArray
from qembed.verify.causes.arithmetic import recipe, rounding, saturation
from qembed.verify.causes.buffers import output_buffer, overwritten
from qembed.verify.causes.constants import constant_bytes, single_numbers
from qembed.verify.causes.evidence import Evidence
from qembed.verify.causes.geometry import input_order, padding, weight_order
from qembed.verify.report import Cause

MAX_CAUSES = 5

Rule = Callable[[Evidence], Iterator[Cause]]


def diagnose(evidence: Evidence) -> tuple[Cause, ...]:
    """Return what explains the evidence, the likeliest first; empty if nothing does."""
    causes: list[Cause] = []
    for rule in RULES:
        for cause in rule(evidence):
            if cause not in causes:
                causes.append(cause)
        if len(causes) >= MAX_CAUSES:
            break
    return tuple(causes[:MAX_CAUSES])


def describe_pattern(right: AnyArray, got: AnyArray) -> str:
    """Say which elements are wrong, in the shortest true words."""
    wrong = right != got
    count = int(wrong.sum())
    if count in (0, wrong.size):
        return "every element" if count else "no element"
    if count == 1:
        return "one element"
    names = (
        ("n", "y", "x", "c") if wrong.ndim == 4 else tuple(f"axis {i}" for i in range(wrong.ndim))
    )
    for axis in reversed(range(wrong.ndim)):
        rest = tuple(i for i in range(wrong.ndim) if i != axis)
        hit = np.flatnonzero(wrong.any(axis=rest))
        if wrong.shape[axis] > 1 and len(hit) <= max(1, wrong.shape[axis] // 4):
            return f"only {names[axis]} = {', '.join(map(str, hit[:8]))}"
    if wrong.ndim == 4 and min(wrong.shape[1:3]) > 2 and not wrong[:, 1:-1, 1:-1].any():
        return "only pixels at the border"
    flat = np.flatnonzero(wrong)
    if flat[-1] + 1 - flat[0] == count:
        return f"one run of {count} elements"
    return "scattered"


RULES: tuple[Rule, ...] = (
    rounding,
    saturation,
    padding,
    recipe,
    output_buffer,
    single_numbers,
    constant_bytes,
    weight_order,
    input_order,
    overwritten,
)
