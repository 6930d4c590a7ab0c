"""Bound the stack of a function from what gcc writes with ``-fcallgraph-info=su``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

LIBRARY_BYTES = 64
"""Allowance for a function of the C library, which carries no report: memcpy, memset, memmove and
the arithmetic helpers keep at most a few registers."""

_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_BYTES = re.compile(r"(\d+) bytes \((static|dynamic|dynamic,bounded)\)")


def stack_bound(folder: Path, functions: Sequence[str], without: str = "") -> int | None:
    """Bound the stack that the deepest of `functions`, with everything it calls, can take.

    Parameters
    ----------
    folder : Path
        Holds the ``.ci`` files of all objects, at any depth.
    functions : sequence of str
        Names of functions with external linkage.
    without : str
        A function whose calls are left out.

    Returns
    -------
    int or None
        None if the compiler wrote no report, or no bound exists: recursion, calls through pointers,
        arrays of variable length.
    """
    frames: dict[str, int | None] = {}
    calls: dict[str, set[str]] = {}
    for path in folder.rglob("*.ci"):
        text = path.read_text(errors="replace")
        for title, label in _NODE.findall(text):
            frame = _BYTES.search(label)
            if frame:  # else it is only declared here
                frames[title] = None if frame[2] == "dynamic" else int(frame[1])
        for source, destination in _EDGE.findall(text):
            if destination != without:
                calls.setdefault(source, set()).add(destination)
    if not all(function in frames for function in functions):
        return None
    try:
        return max(_depth(function, frames, calls, ()) for function in functions)
    except _UnboundedError:
        return None


class _UnboundedError(Exception):
    """There is no bound."""


def _depth(
    function: str,
    frames: dict[str, int | None],
    calls: dict[str, set[str]],
    path: tuple[str, ...],
) -> int:
    frame = frames.get(function, LIBRARY_BYTES)
    if frame is None or function in path or function == "__indirect_call":
        raise _UnboundedError
    below = (_depth(callee, frames, calls, (*path, function)) for callee in calls.get(function, ()))
    return frame + max(below, default=0)
