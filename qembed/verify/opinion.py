"""A second opinion: the same network in portable C, built for this computer.

The reference says that a board is wrong. Whether the C is wrong, or only what became of it on that
board, is told by running the same sample as a process here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qembed.boards import load_board
from qembed.errors import DeviceError, ToolError, UnsupportedError
from qembed.ir import AnyArray, Graph
from qembed.verify.check import verify
from qembed.verify.report import Difference, Native
from qembed.verify.subject import NATIVE, Subject, on_board


def with_second_opinion(
    first: Difference | None, subject: Subject, inputs: Sequence[AnyArray]
) -> Difference | None:
    """Add to a difference whether it shows on this computer, too.

    A difference that is not the board's, or was seen on this computer, is returned as it is; so is
    one for which no firmware can be built or run here.

    Parameters
    ----------
    inputs : sequence of ndarray
        All samples of the run, one array per graph input.
    """
    if first is None or first.blame != "board" or subject.board == NATIVE:
        return first
    start = 0 if subject.graph.state else first.sample
    history = [array[start : first.sample + 1] for array in inputs]
    try:
        return replace(first, native=_native(subject.graph, first, history))
    except (ToolError, UnsupportedError, DeviceError):
        return first


def _native(graph: Graph, first: Difference, inputs: Sequence[AnyArray]) -> Native:
    with on_board(graph, load_board(NATIVE)) as here:
        other = verify(graph, here.session, here.layers, inputs).first
    if other is None:
        return "right"
    same = (other.name, other.index, other.got) == (first.name, first.index, first.got)
    return "same" if same else "other"
