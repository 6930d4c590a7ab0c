"""An output that is not where it should be, or is overwritten, or was never written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from qembed.ir import AnyArray
from qembed.verify.causes.evidence import (
    Case,
    Evidence,
)
from qembed.verify.report import Cause

MAX_SHIFT = 64
"""Bytes by which a buffer is tried to be displaced."""
FEWEST_SHIFTED = 16
"""Bytes that must agree at another place before a buffer counts as displaced."""


def output_buffer(evidence: Evidence) -> Iterator[Cause]:
    """Old, displaced or exchanged output, or another tensor in it."""
    got, right = _lying(evidence)
    width = evidence.cases[0].got.dtype.itemsize
    if all(
        case.before is not None and np.array_equal(case.got, case.before) for case in evidence.cases
    ):
        yield Cause("stale", "the output is that of the sample before")
    if all(len(np.unique(g)) == 1 for g in got) and got[0].size > 4:
        yield Cause("stale", f"the output is never written: every byte is {int(got[0][0])}")
    if width > 1 and all(
        np.array_equal(g.reshape(-1, width)[:, ::-1], r.reshape(-1, width))
        for g, r in zip(got, right, strict=True)
    ):
        yield Cause("endianness", "the output's bytes are in the opposite order")
    yield from _shifted(got, right)
    yield from _permuted(evidence)
    for position in range(len(evidence.node.inputs)):
        if all(_starts_with(case, position) for case in evidence.cases):
            yield Cause("stale", f"the layer did not run: the output holds its input {position}")
    yield from _overlapped(evidence, got, right)


def overwritten(evidence: Evidence) -> Iterator[Cause]:
    """Most of one run of bytes is wrong, and nothing better explains it."""
    wrong, first, end = _wrong_run(*_lying(evidence))
    if end - first >= 4 and wrong[first:end].mean() > 0.5:
        yield Cause("overlap", f"{_where(wrong, first, end)} are overwritten, or never written")


def _lying(evidence: Evidence) -> tuple[list[AnyArray], list[AnyArray]]:
    """Bytes that came, and those that should have, of every case."""
    return (
        [evidence.lying(case.got) for case in evidence.cases],
        [evidence.lying(case.right) for case in evidence.cases],
    )


def _shifted(got: Sequence[AnyArray], right: Sequence[AnyArray]) -> Iterator[Cause]:
    size = got[0].size
    for step in sorted(range(-MAX_SHIFT, MAX_SHIFT + 1), key=abs):
        if step == 0 or size - abs(step) < FEWEST_SHIFTED:
            continue
        pairs = [
            (g[step:], r[: size - step]) if step > 0 else (g[:step], r[-step:])
            for g, r in zip(got, right, strict=True)
        ]
        if all(np.array_equal(g, r) and len(np.unique(r)) > 1 for g, r in pairs):
            yield Cause("buffer", f"the output lies {step:+d} bytes beside its place")
            return


def _permuted(evidence: Evidence) -> Iterator[Cause]:
    channels = evidence.cases[0].got.shape[-1] if evidence.cases[0].got.ndim else 1
    if channels < 2 or evidence.cases[0].got.size == channels:
        return
    got = np.concatenate([case.got.reshape(-1, channels) for case in evidence.cases])
    right = np.concatenate([case.right.reshape(-1, channels) for case in evidence.cases])
    order: list[int] = []
    for c in range(channels):
        same = [k for k in range(channels) if np.array_equal(got[:, c], right[:, k])]
        if not same:
            return
        order.append(c if c in same else same[0])
    moved = [c for c in range(channels) if order[c] != c]
    if any(len(np.unique(got[:, c])) > 1 for c in moved):
        text = ", ".join(f"{c} holds {order[c]}" for c in moved[:4])
        more = f" and {len(moved) - 4} more" if len(moved) > 4 else ""
        yield Cause("channels", f"output channels are exchanged: {text}{more}")


def _starts_with(case: Case, position: int) -> bool:
    source = case.inputs[position]
    return (
        source.nbytes >= case.got.nbytes
        and source.tobytes()[: case.got.nbytes] == case.got.tobytes()
    )


def _wrong_run(
    got: Sequence[AnyArray], right: Sequence[AnyArray]
) -> tuple[NDArray[np.bool_], int, int]:
    """Which bytes are wrong in any case, and the run that holds them; empty if it is too long."""
    wrong = np.any([g != r for g, r in zip(got, right, strict=True)], axis=0)
    places = np.flatnonzero(wrong)
    first, end = int(places[0]), int(places[-1]) + 1
    return wrong, first, first if end - first > max(4, wrong.size * 3 // 4) else end


def _where(wrong: NDArray[np.bool_], first: int, end: int) -> str:
    return f"bytes {first} to {end - 1} of {wrong.size}"


def _overlapped(
    evidence: Evidence, got: Sequence[AnyArray], right: Sequence[AnyArray]
) -> Iterator[Cause]:
    """Find one run of wrong bytes, the same in every case, in which another tensor lies."""
    wrong, first, end = _wrong_run(got, right)
    for index in evidence.cases[0].others:
        if index != evidence.layer.tensor and all(
            _holds(case.others[index], g[first:end])
            for case, g in zip(evidence.cases, got, strict=True)
        ):
            name = evidence.graph.tensors[index].name
            where = _where(wrong, first, end)
            yield Cause("overlap", f"{where} hold a part of tensor '{name}': the buffers overlap")
            return


def _holds(array: AnyArray, piece: AnyArray) -> bool:
    return piece.size >= 8 and len(np.unique(piece)) > 2 and piece.tobytes() in array.tobytes()
