"""A stream as values for the template: tables, and a function that computes a row of each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qembed.export import c_text
from qembed.export.rows import RowForm
from qembed.ir import Graph
from qembed.plan import Plan
from qembed.plan.rows import INPUT, row_bytes, row_count
from qembed.plan.streaming import Stream

HEADERS = ("qe_rows.h",)
SOURCES = ("portable/qe_rows.c", "portable/qe_fill.c")


def stream_values(
    graph: Graph, plan: Plan, forms: tuple[RowForm, ...], prefix: str, names: Mapping[int, str]
) -> dict[str, Any] | None:
    """Everything that the template prints of a stream; None for a plan without one.

    Parameters
    ----------
    names : mapping of int to str
        Parameter structs of the nodes.
    """
    stream = plan.stream
    if stream is None:
        return None
    tensors = sorted(stream.places, key=lambda t: t != graph.inputs[0])
    index = {tensor: i for i, tensor in enumerate(tensors)}
    steps = [len(forms) if s.node == INPUT else s.node for s in stream.schedule.steps]
    return {
        "pushed": stream.schedule.pushed,
        "rows": row_count(graph, graph.inputs[0]),
        "row_bytes": row_bytes(graph, graph.inputs[0]),
        "tensors": [_tensor(graph, stream, t, f"{prefix}_places_{t}") for t in tensors],
        "layers": [
            {
                "name": names[n],
                "row": f"{prefix}_row_{n}",
                "gather": _members(form.gather),
                "statements": _statements(graph, stream, n, form, prefix, names[n]),
                "reads_step": form.call == "folding",
                "inputs": [index[t] for t in graph.nodes[n].inputs],
                "output": index[graph.nodes[n].outputs[0]],
                "demand": form.demand,
                "steps": sum(step.node == n for step in stream.schedule.steps),
            }
            for n, form in enumerate(forms)
        ],
        "step_lines": c_text.wrapped(f"{n}," for n in steps),
        "step_count": len(steps),
        "counters": stream.counters,
    }


def _tensor(graph: Graph, stream: Stream, tensor: int, name: str) -> dict[str, Any]:
    places = stream.places[tensor]
    return {
        "base": places.base,
        "unit": places.unit,
        "table": name if places.table else "NULL",
        "lines": c_text.wrapped(f"{row}," for row in places.table),
        "rows": row_count(graph, tensor),
        "row_bytes": row_bytes(graph, tensor),
    }


def _members(gather: Mapping[str, Any]) -> str:
    return ", ".join(f".{key} = {c_text.integer(value)}" for key, value in gather.items())


def _statements(
    graph: Graph, stream: Stream, n: int, form: RowForm, prefix: str, name: str
) -> list[str]:
    """Write the body of a row function: at most a gathering and one call."""
    low, lines = form.lowering, []
    scratch = stream.scratch.get(n, 0)
    own = [f"{prefix}_at({scratch + form.gather_bytes}u)"] if low.scratch_bytes else []
    if form.call == "plain" and not low.inputs_as_array:
        inputs = [f"rows[{i}]" for i in range(len(graph.nodes[n].inputs))]
    else:
        inputs = ["rows"]
    if form.call == "gathered":
        inputs = [f"{prefix}_at({scratch}u)"]
        lines = c_text.call("qe_gather_rows", [f"&{name}_window", "rows", *inputs])
    if form.call == "folding":
        inputs, own = ["rows[0]"], [f"{prefix}_at({stream.kept[n]}u)", "step"]
    return [*lines, *c_text.call(low.function, [f"&{name}", *inputs, "output", *own])]
