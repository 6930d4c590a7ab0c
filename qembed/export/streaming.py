"""Plans in which the first layers run row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qembed.errors import UnsupportedError
from qembed.export.lowering import Lowering, demand_of
from qembed.export.ops import candidates
from qembed.export.rows import RowForm, interleaved, row_forms
from qembed.export.variants import kernel_cost
from qembed.ir import Graph
from qembed.plan import Layer, Plan, Traversal, least_bytes, plan_memory, state_problem
from qembed.plan.layout import Orders, assign, differs
from qembed.plan.row_check import check_stream
from qembed.plan.rows import needed_later, schedule
from qembed.plan.streaming import Option, Stream, options, place_stream
from qembed.targets import Target

MOST_NODES = 255
"""Of a stream: one byte tells which one runs next."""

ATTEMPTS = 6
"""Numbers of streamed layers that are planned in full, of those that promise to fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """A plan with a stream.

    Attributes
    ----------
    plan : Plan
    lowerings : tuple of Lowering
        By node index.
    forms : tuple of RowForm
        Of the nodes that are streamed, in their order.
    """

    plan: Plan
    lowerings: tuple[Lowering, ...]
    forms: tuple[RowForm, ...]


def plan_streaming(
    graph: Graph, target: Target, arena_max: int | None = None, pushed: bool = False
) -> Streamed:
    """Stream as few layers as an arena allows; without a limit as many as make it smallest.

    Parameters
    ----------
    pushed : bool
        The input comes row by row, and is never whole.

    Raises
    ------
    UnsupportedError
        If nothing can be streamed, or no plan of `arena_max` bytes was found.
    """
    found = [candidates(node, graph, target) for node in graph.nodes]
    rows = _streamable(graph, target, pushed)
    after = _after(graph, target, found)
    forms, _ = _choose(graph, target, rows, found, len(rows))
    demands = {n: form.demand for n, form in enumerate(forms)}
    ways = [
        way
        for way in options(graph, demands, after, pushed)
        if not (pushed and graph.inputs[0] in needed_later(graph, way.stop))
    ]
    fitting = [way for way in ways if arena_max is not None and way.size <= arena_max]
    by_size = sorted(ways, key=lambda way: way.size)
    best: Streamed | None = None
    for way in [*fitting, *by_size][:ATTEMPTS]:
        streamed = _plan(graph, target, rows, found, way, pushed)
        if arena_max is not None and streamed.plan.arena_bytes <= arena_max:
            return streamed
        if best is None or streamed.plan.arena_bytes < best.plan.arena_bytes:
            best = streamed
    if best is None:
        raise UnsupportedError("no layer behind the input can run row by row")
    if arena_max is not None:
        raise UnsupportedError(
            f"row by row the activations need an arena of {best.plan.arena_bytes} bytes, "
            f"{best.plan.arena_bytes - arena_max} more than the {arena_max} allowed"
        )
    return best


def _streamable(graph: Graph, target: Target, pushed: bool) -> list[Mapping[Orders, RowForm]]:
    """Row forms of the nodes from the first on that have some."""
    if len(graph.inputs) != 1 or graph.state:
        raise UnsupportedError("only models with one input and without state can run row by row")
    rows: list[Mapping[Orders, RowForm]] = []
    for node in graph.nodes[:MOST_NODES]:
        forms = row_forms(node, graph, target)
        if not forms:
            break
        rows.append(forms)
    if not rows:
        what = "be pushed row by row" if pushed else "run row by row"
        raise UnsupportedError(
            f"layer '{graph.nodes[0].name}' ({graph.nodes[0].op}) cannot {what}"
            if graph.nodes
            else "a model without layers has no rows"
        )
    return rows


def _after(graph: Graph, target: Target, found: Sequence[Mapping[Orders, Lowering]]) -> list[int]:
    """For each number of streamed nodes, the least that the others need."""
    problem = state_problem(graph, tuple(range(len(graph.nodes))), {}, target.alignment)
    least = [
        min(least_bytes(problem, n, demand_of(low)) for low in lowerings.values())
        for n, lowerings in enumerate(found)
    ]
    return [max(least[stop:], default=0) for stop in range(len(least) + 1)]


def _choose(
    graph: Graph,
    target: Target,
    rows: Sequence[Mapping[Orders, RowForm]],
    found: Sequence[Mapping[Orders, Lowering]],
    stop: int,
) -> tuple[list[RowForm], list[Lowering]]:
    """Choose kernels so that storage orders agree: row forms of the first nodes, then others."""
    whole = needed_later(graph, stop)
    forms: list[Mapping[Orders, RowForm]] = []
    for n in range(stop):
        forms.append(rows[n])
        shape = graph.tensors[graph.nodes[n].outputs[0]].shape
        if graph.nodes[n].outputs[0] in whole and differs(shape):
            forms[n] = _whole(rows[n], shape[1] * shape[2])
    costs = [
        {o: kernel_cost(graph, n, target, f.lowering, f.demand.scratch) for o, f in of.items()}
        for n, of in enumerate(forms)
    ]
    costs += [
        {o: kernel_cost(graph, n, target, low, low.scratch_bytes) for o, low in found[n].items()}
        for n in range(stop, len(found))
    ]
    orders = assign(graph, costs)
    return (
        [of[chosen] for of, chosen in zip(forms, orders, strict=False)],
        [found[n][orders[n]] for n in range(stop, len(found))],
    )


def _whole(forms: Mapping[Orders, RowForm], plane: int) -> dict[Orders, RowForm]:
    """Keep the forms that can write an image that is whole at the end."""
    kept = {}
    for orders, form in forms.items():
        able = interleaved(form, plane) if orders.outputs == "planar" else form
        if able is not None:
            kept[orders] = able
    return kept


def _plan(
    graph: Graph,
    target: Target,
    rows: Sequence[Mapping[Orders, RowForm]],
    found: Sequence[Mapping[Orders, Lowering]],
    way: Option,
    pushed: bool,
) -> Streamed:
    """Make the plan of an option: first that of the nodes behind it, then places for the rows."""
    forms, others = _choose(graph, target, rows, found, way.stop)
    demands = {n: form.demand for n, form in enumerate(forms)}
    behind = _plan_behind(graph, way.stop, others, target)
    whole = needed_later(graph, way.stop)
    planar = {
        graph.nodes[n].outputs[0]
        for n, form in enumerate(forms)
        if form.lowering.orders.outputs == "planar"
    }
    stream = place_stream(
        graph,
        demands,
        schedule(graph, demands, way.groups, pushed),
        behind.offsets if behind else {},
        {t: _row_step(graph, t) for t in planar & whole if differs(graph.tensors[t].shape)},
        target.alignment,
    )
    check_stream(stream, graph)
    plan = _joined(graph, stream, behind, target.alignment)
    chosen = [form.lowering for form in forms]
    for n, low in enumerate(others, way.stop):
        name = plan.traversals[n].name if n in plan.traversals else low.traversal
        chosen.append(next(w for w in (low, *low.others) if w.traversal == name))
    return Streamed(plan, tuple(chosen), tuple(forms))


def _row_step(graph: Graph, tensor: int) -> int:
    """From a row to the next where an image is stored plane by plane."""
    one = graph.tensors[tensor]
    return one.nbytes // (one.shape[1] * one.shape[3])


def _plan_behind(
    graph: Graph, stop: int, lowerings: Sequence[Lowering], target: Target
) -> Plan | None:
    """Plan the nodes that are not streamed as a graph of their own."""
    if stop == len(graph.nodes):
        return None
    made = {t for node in graph.nodes[:stop] for t in node.outputs} | set(graph.inputs)
    inputs = tuple(sorted(made & needed_later(graph, stop)))
    behind = replace(graph, nodes=graph.nodes[stop:], inputs=inputs)
    plan = plan_memory(behind, [demand_of(low) for low in lowerings], target.alignment)
    return replace(
        plan,
        order=tuple(stop + n for n in plan.order),
        traversals={stop + n: way for n, way in plan.traversals.items()},
        scratch={stop + n: at for n, at in plan.scratch.items()},
        layers=tuple(Layer(stop + layer.node, layer.tensor) for layer in plan.layers),
    )


def _joined(graph: Graph, stream: Stream, behind: Plan | None, alignment: int) -> Plan:
    """Make one plan of a stream and of the plan of the nodes behind it."""
    stop = stream.schedule.stop
    streamed = tuple(range(stop))
    layers = tuple(Layer(n, graph.nodes[n].outputs[0]) for n in streamed)
    whole = {t: places.base for t, places in stream.places.items() if not places.table}
    ways = {n: Traversal("rows") for n in streamed}
    if behind is None:
        behind = Plan((), {}, {}, {}, {}, (), 0, 0, alignment)
    return Plan(
        order=streamed + behind.order,
        offsets={**whole, **behind.offsets},
        aliases=behind.aliases,
        traversals={**ways, **behind.traversals},
        scratch={**stream.scratch, **behind.scratch},
        layers=layers + behind.layers,
        arena_bytes=max(stream.arena_bytes, behind.arena_bytes),
        lower_bound=max(stream.lower_bound, behind.lower_bound),
        alignment=alignment,
        stream=stream,
    )
