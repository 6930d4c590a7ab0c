"""A plan as a picture: what lies where in the arena while each node runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qembed.ir import Graph
from qembed.plan.memory import Plan
from qembed.plan.rows import Life, row_bytes
from qembed.plan.streaming import Stream

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FREE, SHARED = "·", "▒"


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes of the arena that are taken from one step to another, both included.

    Attributes
    ----------
    label : str
        Name of the tensor, of which this may be one row, or "scratch of" and the node; any text.
    first, last : int
        Positions in the order of the steps: each node that runs is one, or each of its rows.
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
    """Every buffer of a plan, in the order in which they come to life; every row of a stream."""
    if plan.stream is not None:
        found = [*_streamed(plan.stream, graph), *_behind(plan, plan.stream, graph)]
        return tuple(sorted(found, key=lambda region: (region.first, region.last, region.offset)))
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


def _streamed(stream: Stream, graph: Graph) -> Iterator[Region]:
    """List rows, and what the nodes that make them need."""
    last = len(stream.schedule.steps) - 1
    for tensor, lives in stream.schedule.rows.items():
        name, size = graph.tensors[tensor].name, row_bytes(graph, tensor)
        places = stream.places[tensor]
        if not places.table and places.unit != size:
            size, lives = graph.tensors[tensor].nbytes, (Life(lives[0].first, lives[-1].last),)
        for row, life in enumerate(lives):
            yield Region(name, max(life.first, 0), min(life.last, last), places.at(row), size)
    for kind, offsets in (("scratch", stream.scratch), ("sums", stream.kept)):
        for n, offset in offsets.items():
            at = [i for i, step in enumerate(stream.schedule.steps) if step.node == n]
            size = getattr(stream.demands[n], "kept" if kind == "sums" else kind)
            label = f"{kind} of {graph.nodes[n].name}"
            if kind == "sums":
                yield Region(label, at[0], at[-1], offset, size)
            else:
                yield from (Region(label, i, i, offset, size) for i in at)
    yield Region("counters", 0, last, stream.counters, 2 * (stream.schedule.stop + 2))


def _behind(plan: Plan, stream: Stream, graph: Graph) -> Iterator[Region]:
    """List what the nodes behind a stream need, each of them a step."""
    start, stop = len(stream.schedule.steps), stream.schedule.stop
    nodes = [n for n in plan.running if n >= stop]
    kept = {plan.aliases.get(t, t) for t in graph.outputs}
    for tensor in sorted({plan.aliases.get(t, t) for t in plan.offsets}):
        used = [
            start + i
            for i, n in enumerate(nodes)
            for t in (*graph.nodes[n].inputs, *graph.nodes[n].outputs)
            if plan.aliases.get(t, t) == tensor
        ]
        if tensor in kept and nodes:
            used.append(start + len(nodes) - 1)
        if used:
            one = graph.tensors[tensor]
            yield Region(one.name, min(used), max(used), plan.offsets[tensor], one.nbytes)
    for i, n in enumerate(nodes, start):
        if n in plan.scratch:
            label = f"scratch of {graph.nodes[n].name}"
            yield Region(label, i, i, plan.scratch[n], plan.traversals[n].scratch)


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
    """Letter of each region in the drawing, one a label; they start again when they are used up."""
    labels = {label: i for i, label in enumerate(dict.fromkeys(r.label for r in found))}
    return tuple(LETTERS[labels[region.label] % len(LETTERS)] for region in found)


def _cell(found: Sequence[Region], step: int, at: float) -> str:
    here = {
        letter
        for letter, region in zip(letters(found), found, strict=True)
        if region.first <= step <= region.last and region.offset <= at < region.offset + region.size
    }
    return here.pop() if len(here) == 1 else SHARED if here else FREE
