"""A plan as a picture: what lies where in the arena while each node runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qembed.ir import Graph
from qembed.plan.memory import Plan

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FREE, SHARED = "·", "▒"


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes of the arena that are taken from one step to another, both included.

    Attributes
    ----------
    label : str
        Name of the tensor, or "scratch of" and the node; any text.
    first, last : int
        Positions in the order of the nodes that run.
    offset, size : int
        In bytes.
    """

    label: str
    first: int
    last: int
    offset: int
    size: int


def steps(plan: Plan, graph: Graph) -> tuple[str, ...]:
    """Names of the nodes that run, in order."""
    return tuple(graph.nodes[n].name for n in plan.running)


def regions(plan: Plan, graph: Graph) -> tuple[Region, ...]:
    """Every buffer of a plan, in the order in which they come to life."""
    last = len(plan.running) - 1
    names: dict[int, str] = {}
    used: dict[int, list[int]] = {}

    def use(tensors: Sequence[int], step: int) -> None:
        for tensor in tensors:
            if tensor in plan.offsets:
                owner = plan.aliases.get(tensor, tensor)
                names.setdefault(owner, graph.tensors[owner].name)
                used.setdefault(owner, []).append(min(max(step, 0), max(last, 0)))

    use((*graph.inputs, *graph.state), 0)
    for step, n in enumerate(plan.running):
        use((*graph.nodes[n].inputs, *graph.nodes[n].outputs), step)
    use((*graph.outputs, *graph.state), last)
    found = [
        Region(names[t], min(at), max(at), plan.offsets[t], graph.tensors[t].nbytes)
        for t, at in used.items()
    ]
    for step, n in enumerate(plan.running):
        if n in plan.scratch:
            label = f"scratch of {graph.nodes[n].name}"
            found.append(Region(label, step, step, plan.scratch[n], plan.traversals[n].scratch))
    return tuple(sorted(found, key=lambda region: (region.first, region.last, region.offset)))


def draw(found: Sequence[Region], arena_bytes: int, width: int = 72, height: int = 16) -> str:
    """Draw regions with letters: time to the right, the arena upwards.

    Parameters
    ----------
    found : sequence of Region
    arena_bytes : int
    width, height : int
        Columns and rows at most, axis apart.

    Returns
    -------
    str
        Lines. `FREE` is no one's; `SHARED` is where an output lies over an input that the same
        node still reads. The letters are those of `letters`.
    """
    count = max((region.last for region in found), default=0) + 1
    wide = max(1, min(4, width // count))
    columns = [i * count // (min(count, width)) for i in range(min(count, width))]
    rows = min(height, max(arena_bytes, 1))
    lines = []
    for row in reversed(range(rows)):
        low, high = row * arena_bytes / rows, (row + 1) * arena_bytes / rows
        cells = "".join(_cell(found, step, (low + high) / 2) * wide for step in columns)
        edge = f"{int(high):,}" if row == rows - 1 else "0" if row == 0 else ""
        lines.append(f"{edge:>9} │{cells}")
    return "\n".join(lines)


def letters(found: Sequence[Region]) -> tuple[str, ...]:
    """Letter of each region in the drawing; they start again when they are used up."""
    return tuple(LETTERS[i % len(LETTERS)] for i in range(len(found)))


def _cell(found: Sequence[Region], step: int, at: float) -> str:
    here = [
        letter
        for letter, region in zip(letters(found), found, strict=True)
        if region.first <= step <= region.last and region.offset <= at < region.offset + region.size
    ]
    return here[0] if len(here) == 1 else SHARED if here else FREE
