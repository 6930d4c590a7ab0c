"""Bound the stack of a function from what gcc writes with ``-fcallgraph-info=su``.

Kernels may call a function of their own file through a pointer. Such a call is taken to reach any
static function of that file which nobody calls by name; one of row streaming reaches the functions
that compute a row, wherever they are. Functions in assembly keep a stack that gcc
does not see: it reports 0 for them, and what their machine code pushes is taken instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

LIBRARY_BYTES = 64
"""Allowance for a function of the C library, which carries no report: memcpy, memset, memmove and
the arithmetic helpers keep at most a few registers."""

_INDIRECT = "__indirect_call"
_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_STREAMING = re.compile(r"qe_rows_run|.*:run_layer")
_ROW = re.compile(r".*:\w+_row_\d+")
_BYTES = re.compile(r"(\d+) bytes \((static|dynamic|dynamic,bounded)\)")


@dataclass(frozen=True, slots=True)
class _Graph:
    """Functions by title: a static one's is ``file:name``. A frame of None has no bound."""

    frames: dict[str, int | None] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)


class _UnboundedError(Exception):
    """There is no bound."""


def stack_bound(
    folder: Path,
    functions: Sequence[str],
    without: str = "",
    pushed: Mapping[str, int] = MappingProxyType({}),
) -> int | None:
    """Bound the stack that the deepest of `functions`, with everything it calls, can take.

    Parameters
    ----------
    folder : Path
        Holds the ``.ci`` files of all objects, at any depth.
    functions : sequence of str
        Names of functions with external linkage.
    without : str
        A function whose calls are left out.
    pushed : mapping of str to int
        Bytes that the machine code of each function pushes.

    Returns
    -------
    int or None
        None if the compiler wrote no report, or no bound exists: recursion, arrays of variable
        length, calls through pointers to who knows where.
    """
    graph = _read(folder, without, pushed)
    if not all(function in graph.frames for function in functions):
        return None
    try:
        return max(_depth(function, graph, ()) for function in functions)
    except _UnboundedError:
        return None


def _read(folder: Path, without: str, pushed: Mapping[str, int]) -> _Graph:
    graph = _Graph()
    for path in folder.rglob("*.ci"):
        text = path.read_text(errors="replace")
        for title, label in _NODE.findall(text):
            frame = _BYTES.search(label)
            if frame:  # else it is only declared here
                size = int(frame[1]) or pushed.get(title.rpartition(":")[2], 0)
                graph.frames[title] = None if frame[2] == "dynamic" else size
        for source, destination in _EDGE.findall(text):
            if destination != without:
                graph.calls.setdefault(source, set()).add(destination)
    return graph


def _depth(function: str, graph: _Graph, path: tuple[str, ...]) -> int:
    frame = graph.frames.get(function, LIBRARY_BYTES)
    if frame is None or function in path:
        raise _UnboundedError
    callees = graph.calls.get(function, set())
    if _INDIRECT in callees:
        callees = callees - {_INDIRECT} | _called_by_pointer(function, graph)
    below = (_depth(callee, graph, (*path, function)) for callee in callees)
    return frame + max(below, default=0)


def _called_by_pointer(function: str, graph: _Graph) -> set[str]:
    if _STREAMING.fullmatch(function):
        return {title for title in graph.frames if _ROW.fullmatch(title)}
    file, separator, _ = function.rpartition(":")
    by_name = set().union(*graph.calls.values())
    found = {t for t in graph.frames if t.startswith(f"{file}:") and t not in by_name}
    if not separator or not found:
        raise _UnboundedError
    return found
