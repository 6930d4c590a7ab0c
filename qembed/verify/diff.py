"""Who is right: one model's bytes in several runtimes, and the layer at which they part.

A runtime's bytes are predicted by the numerics profile named after it, layer by layer; where the
runtime itself is installed its outputs are held against the prediction. So the first layer that
departs is known even though an interpreter shows its outputs only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qembed.arithmetic import FLOAT_ROUNDINGS, Requantization
from qembed.backends import runtimes
from qembed.backends.host import HostModel
from qembed.errors import ToolError, UnsupportedError
from qembed.importers import import_model
from qembed.ir import AnyArray, Graph, Node
from qembed.numerics import PROFILES

AGAINST = tuple(runtimes.RUNTIMES)


def readers(graph: Graph) -> tuple[str, ...]:
    """Return the runtimes that read the format which a graph was imported from."""
    form = graph.source.get("format", "tflite")
    return tuple(name for name, (reads, *_) in runtimes.RUNTIMES.items() if reads == form)


@dataclass(frozen=True, slots=True)
class Departure:
    """The first layer, in order of execution, at which a runtime's bytes leave the model's.

    Attributes
    ----------
    layer : int
        Index of the node.
    name, op : str
    samples : int
        In how many samples this layer is the first to depart.
    elements : int
        Differing values of its output in all samples.
    largest : int
        Largest difference there, in steps of the output.
    why : str
    """

    layer: int
    name: str
    op: str
    samples: int
    elements: int
    largest: int
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One runtime against the model's own profile.

    Attributes
    ----------
    runtime : str
    samples, equal : int
        Samples compared, and those whose outputs are the same in every byte.
    largest : int
        Largest difference of an output, in steps.
    ran : bool
        False: the interpreter is not installed or refused the file; the figures are its profile's.
    note : str
        Why it did not run, or empty.
    predicted : int, optional
        Samples in which the interpreter gave what its profile predicts; None if it did not run.
    departures : tuple of Departure
        By number of samples, most first.
    """

    runtime: str
    samples: int
    equal: int
    largest: int
    ran: bool
    note: str
    predicted: int | None
    departures: tuple[Departure, ...]


def compare(
    model: Path, inputs: Sequence[AnyArray], own: str = "tflm", against: Sequence[str] = AGAINST
) -> list[Comparison]:
    """Compare what runtimes make of a .tflite or .onnx file.

    Parameters
    ----------
    model : Path
    inputs : sequence of ndarray
        One per graph input, shape (B, *shape).
    own : str
        Numerics profile whose bytes are the measure.
    against : sequence of str
        Runtimes: keys of `qembed.backends.runtimes.RUNTIMES`, which read this format.

    Raises
    ------
    UnsupportedError
        One of `against` does not read the file's format, or its profile does not cover the network.
    """
    graph = import_model(model, own)
    for runtime in against:
        if runtime not in readers(graph):
            raise UnsupportedError(
                f"{runtime} does not read {model.name}; choose from {', '.join(readers(graph))}"
            )
    ours = HostModel(graph).trace(inputs)
    return [_compare_one(model, graph, ours, inputs, runtime) for runtime in against]


def _compare_one(
    model: Path,
    graph: Graph,
    ours: dict[int, AnyArray],
    inputs: Sequence[AnyArray],
    runtime: str,
) -> Comparison:
    assert runtime in PROFILES  # each runtime has a profile of its name
    theirs_graph = import_model(model, runtime)
    theirs = HostModel(theirs_graph).trace(inputs)
    predicted = [theirs[i] for i in theirs_graph.outputs]
    outputs, note = predicted, ""
    try:
        answers = runtimes.run(runtime, model, inputs)
        outputs = [a.reshape(p.shape) for a, p in zip(answers, predicted, strict=True)]
    except ToolError as error:
        note = str(error)
    own = [ours[i] for i in graph.outputs]
    return Comparison(
        runtime=runtime,
        samples=len(inputs[0]),
        equal=int(np.count_nonzero(_equal_samples(own, outputs))),
        largest=max(_largest(a, b) for a, b in zip(own, outputs, strict=True)),
        ran=not note,
        note=note,
        predicted=None if note else int(np.count_nonzero(_equal_samples(predicted, outputs))),
        departures=_departures(graph, theirs_graph, ours, theirs),
    )


def _equal_samples(one: Sequence[AnyArray], other: Sequence[AnyArray]) -> AnyArray:
    """Whether each sample is the same in every byte of every output, bool (B,)."""
    same: AnyArray = np.ones(len(one[0]), bool)
    for a, b in zip(one, other, strict=True):
        same &= (a == b).reshape(len(a), -1).all(axis=1)
    return same


def _largest(one: AnyArray, other: AnyArray) -> int:
    """Largest difference of integers in steps; of real numbers 1 where there is one at all."""
    if one.dtype.kind == "f":
        return int(np.any(one != other))
    return int(np.abs(one.astype(np.int64) - other.astype(np.int64)).max(initial=0))


def _departures(
    graph: Graph, other: Graph, ours: dict[int, AnyArray], theirs: dict[int, AnyArray]
) -> tuple[Departure, ...]:
    """For each sample the first layer that differs, gathered by layer."""
    count = len(next(iter(ours.values())))
    undecided = np.ones(count, bool)
    found = []
    by_name = {node.name: node for node in other.nodes}
    for layer, node in enumerate(graph.nodes):
        their_node = by_name.get(node.name)
        if their_node is None:  # profiles may convert scales in other places
            continue
        index, their_index = node.outputs[0], their_node.outputs[0]
        if ours[index].shape != theirs[their_index].shape:
            continue
        differs = (ours[index] != theirs[their_index]).reshape(count, -1)
        first = undecided & differs.any(axis=1)
        undecided &= ~first
        if first.any():
            found.append(
                Departure(
                    layer=layer,
                    name=node.name,
                    op=node.op,
                    samples=int(np.count_nonzero(first)),
                    elements=int(np.count_nonzero(differs)),
                    largest=_largest(ours[index], theirs[their_index]),
                    why=_why(node, their_node),
                )
            )
    return tuple(sorted(found, key=lambda d: -d.samples))


ROUNDING_TEXT = {
    "double": "rounds twice in fixed point",
    "single": "rounds once in fixed point, ties up",
    "wide": "rounds once with a 16-bit multiplier",
    "float32": "multiplies in float32 and rounds ties to even",
    "float64": "multiplies in float64 and rounds ties away from zero",
}


def _why(ours: Node, theirs: Node) -> str:
    """Say in what the arithmetic of a layer differs between two profiles."""
    one, other = (getattr(n.params, "requantization", None) for n in (ours, theirs))
    if isinstance(one, Requantization) and isinstance(other, Requantization):
        if one.rounding != other.rounding:
            return f"{ROUNDING_TEXT[other.rounding]}, where ours {ROUNDING_TEXT[one.rounding]}"
        if other.rounding not in FLOAT_ROUNDINGS and bool(
            np.any(one.multiplier != other.multiplier)
        ):
            return "computes its multipliers in other steps of precision"
    if getattr(theirs.params, "ties_to_even", False):
        return "rounds ties to even numbers, where ours rounds them away from zero"
    if theirs.op in ("lookup", "pair_lookup") and not _has_table_of(ours, theirs):
        return "computes in float32 and rounds once, ties to even"
    if getattr(theirs.params, "sum_scale", None) is not None:
        return "sums exactly and rounds once, where ours scales and rounds each input"
    return "its inputs differ"


def _has_table_of(ours: Node, theirs: Node) -> bool:
    """Whether two layers are tables, and the same."""
    return ours.op == theirs.op and np.array_equal(ours.params.table, theirs.params.table)
