"""Hold a board's bytes against the desk's, and say where they part first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.container import graph_hash
from qembed.device.session import Observation, Session
from qembed.errors import DeviceError, InputError
from qembed.ir import AnyArray, Graph
from qembed.ops import OPERATORS
from qembed.verify.expected import Expectation, SampleBytes, expectations
from qembed.verify.layers import ReportedLayer, unstored
from qembed.verify.report import (
    Blame,
    Cost,
    Difference,
    LayerSummary,
    LineSummary,
    Report,
)

Progress = Callable[[int, int], None]
"""Told the number of samples done and of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A model on a board, and the samples to run there."""

    graph: Graph
    session: Session
    model: int
    layers: tuple[ReportedLayer, ...]
    inputs: tuple[AnyArray, ...]

    @property
    def ordered(self) -> bool:
        """The samples are successive steps of a model with state."""
        return bool(self.graph.state)

    def history(self, sample: int) -> list[AnyArray]:
        """Return what must be run to come to a sample: itself, or all steps up to it."""
        start = 0 if self.ordered else sample
        return [array[start : sample + 1] for array in self.inputs]


@dataclass(slots=True, eq=False)
class _Tally:
    """Counts over the samples so far."""

    wrong: NDArray[np.int64]
    first: NDArray[np.int64]
    differing: int = 0
    suspect: int | None = None
    totals: list[int] = field(default_factory=list)
    layer_ticks: list[tuple[int, ...]] = field(default_factory=list)


def verify(
    graph: Graph,
    session: Session,
    layers: Sequence[ReportedLayer],
    inputs: Sequence[AnyArray] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run samples on a board and compare every byte of every layer.

    Parameters
    ----------
    graph : Graph
    session : Session
        With a board whose firmware holds this model.
    layers : sequence of ReportedLayer
        What the firmware's layers are.
    inputs : sequence of ndarray, optional
        One per graph input, (B, *tensor.shape), B >= 1; by default the model's own samples.
    progress : callable, optional

    Raises
    ------
    InputError
        If the inputs do not fit, or are missing.
    DeviceError
        If the firmware holds another model, or the board stops answering.
    """
    started = time.monotonic()
    task = _prepare(graph, session, tuple(layers), inputs)
    tally = _Tally(np.zeros(len(layers), np.int64), np.zeros(len(layers), np.int64))
    count = len(task.inputs[0])
    expected = expectations(graph, task.layers, task.inputs)
    seen = session.infer_many(
        task.model, SampleBytes(task.inputs), ordered=task.ordered, ticks=True
    )
    for want, have in zip(expected, seen, strict=True):
        _compare(tally, want, have)
        if progress is not None:
            progress(have.index + 1, count)
    first = None if tally.suspect is None else locate(task, tally.suspect)
    return _report(task, tally, first, time.monotonic() - started)


def _prepare(
    graph: Graph,
    session: Session,
    layers: tuple[ReportedLayer, ...],
    inputs: Sequence[AnyArray] | None,
) -> Task:
    if inputs is None:
        if graph.samples is None:
            raise InputError("the model carries no samples; give inputs")
        inputs = graph.samples.inputs
    if len(inputs) != len(graph.inputs) or not all(len(array) for array in inputs):
        raise InputError(f"the model takes {len(graph.inputs)} inputs of at least one sample")
    for array, index in zip(inputs, graph.inputs, strict=True):
        tensor = graph.tensors[index]
        if array.dtype.name != tensor.dtype or array.shape[1:] != tensor.shape:
            raise InputError(
                f"input '{tensor.name}' is {array.dtype.name}{list(array.shape)}, must be "
                f"{tensor.dtype}[B, {', '.join(map(str, tensor.shape))}]"
            )
    model = session.model_index(graph_hash(graph))
    if session.models[model].layers != len(layers):
        raise DeviceError(
            f"the firmware reports {session.models[model].layers} layers of this model, its export"
            f" {len(layers)}: they are not of one making; export and build again"
        )
    return Task(graph, session, model, layers, tuple(inputs))


def _compare(tally: _Tally, want: Expectation, have: Observation) -> None:
    record = have.record
    wrong = np.array(want.layer_hashes) != np.array(record.layer_hashes)
    tally.totals.append(record.ticks)
    tally.layer_ticks.append(record.layer_ticks)
    if have.input_is_right and not wrong.any() and want.outputs == record.outputs:
        return
    tally.differing += 1
    tally.wrong += wrong
    if wrong.any():
        tally.first[int(wrong.argmax())] += 1
    if tally.suspect is None:
        tally.suspect = have.index


# ---- the first difference ----------------------------------------------------------------------


def locate(task: Task, sample: int) -> Difference:
    """Run a sample again and find its first wrong element, and who is wrong there."""
    history = task.history(sample)
    *_, want = expectations(task.graph, task.layers, history)
    *_, have = task.session.infer_many(task.model, SampleBytes(history), ordered=task.ordered)
    if not have.input_is_right:
        return _without_element(task, sample, -1, "input")
    for layer, (right, got) in enumerate(
        zip(want.layer_hashes, have.record.layer_hashes, strict=True)
    ):
        if right != got:
            return _locate_in_layer(task, sample, layer, history)
    if want.outputs != have.record.outputs:
        return _locate_in_outputs(task, sample, have.record.outputs, history)
    return _without_element(task, sample, len(task.layers), "unstable")


def _locate_in_layer(
    task: Task, sample: int, layer: int, history: Sequence[AnyArray]
) -> Difference:
    reported = task.layers[layer]
    data, _ = task.session.fetch(task.model, SampleBytes(history), layer, ordered=task.ordered)
    tensor = task.graph.tensors[reported.tensor]
    if len(data) != tensor.nbytes:
        raise DeviceError(
            f"layer {layer} of the firmware has {len(data)} bytes, in the model {tensor.nbytes}: "
            "they are not of one making; export and build again"
        )
    got = unstored(data, task.graph, reported)
    host = HostModel(task.graph).trace(history)
    truth = reference.trace(task.graph, history)
    blame: Blame = "board"
    if not _same(host[reported.tensor][-1], truth[reported.tensor][-1]):
        blame = "host"
    elif _same(got, truth[reported.tensor][-1]):
        return _without_element(task, sample, layer, "unstable")
    return _element(task, sample, layer, truth, got, blame)


def _element(
    task: Task, sample: int, layer: int, truth: dict[int, AnyArray], got: AnyArray, blame: Blame
) -> Difference:
    reported = task.layers[layer]
    right = truth[reported.tensor][-1]
    different = right.view(np.uint8) != got.view(np.uint8)
    different = different.reshape(*right.shape, -1).any(axis=-1)
    index = tuple(int(i) for i in np.argwhere(different)[0]) if different.any() else ()
    distance = np.abs(got.astype(np.float64) - right.astype(np.float64))
    return replace(
        _without_element(task, sample, layer, blame),
        index=index,
        accumulator=_accumulator(task.graph, reported, truth, index),
        expected=right[index].item() if index else None,
        got=got[index].item() if index else None,
        differing=int(different.sum()),
        elements=different.size,
        largest=float(np.nanmax(distance, initial=0.0)),
    )


def _accumulator(
    graph: Graph, reported: ReportedLayer, truth: dict[int, AnyArray], index: tuple[int, ...]
) -> int | None:
    node = graph.nodes[reported.node]
    accumulate = OPERATORS[node.op].accumulate
    if accumulate is None or not index:
        return None
    inputs = [
        data if (data := graph.tensors[i].data) is not None else truth[i][-1] for i in node.inputs
    ]
    return int(accumulate(node.params, *inputs)[index])


def _locate_in_outputs(
    task: Task, sample: int, outputs: bytes, history: Sequence[AnyArray]
) -> Difference:
    """Every layer was right when it was done, but what the application reads is not."""
    truth = reference.trace(task.graph, history)
    at = 0
    for index in task.graph.outputs:
        tensor = task.graph.tensors[index]
        data, at = outputs[at : at + tensor.nbytes], at + tensor.nbytes
        got = np.frombuffer(data, np.dtype(tensor.dtype).newbyteorder("<"))
        got = got.astype(tensor.dtype).reshape(tensor.shape)
        right = truth[index][-1]
        if not _same(got, right):
            wrong = np.argwhere(got != right)
            place = tuple(int(i) for i in wrong[0]) if len(wrong) else ()
            return replace(
                _without_element(task, sample, len(task.layers), "board"),
                tensor=tensor.name,
                index=place,
                expected=right[place].item() if place else None,
                got=got[place].item() if place else None,
                differing=len(wrong),
                elements=right.size,
            )
    return _without_element(task, sample, len(task.layers), "host")


def _without_element(task: Task, sample: int, layer: int, blame: Blame) -> Difference:
    reported = task.layers[layer] if 0 <= layer < len(task.layers) else None
    node = task.graph.nodes[reported.node] if reported else None
    return Difference(
        sample=sample,
        layer=layer,
        name=node.name if node else "",
        op=node.op if node else "",
        variant=reported.variant if reported else "",
        function=reported.function if reported else "",
        tensor=task.graph.tensors[reported.tensor].name if reported else "",
        index=(),
        accumulator=None,
        expected=None,
        got=None,
        differing=0,
        elements=0,
        largest=0.0,
        blame=blame,
    )


def _same(a: AnyArray, b: AnyArray) -> bool:
    return a.tobytes() == b.tobytes()


# ---- the report --------------------------------------------------------------------------------


def _report(task: Task, tally: _Tally, first: Difference | None, seconds: float) -> Report:
    info = task.session.info
    scale = info.counter_numerator / max(info.counter_denominator, 1)
    counts = bool(info.counter_unit) and any(tally.totals)
    costs = np.median(np.array(tally.layer_ticks), axis=0) * scale if counts else None
    totals = np.array(tally.totals, np.float64) * scale
    statistics = task.session.statistics
    return Report(
        verdict="different" if tally.differing else "equal",
        model=task.graph.name,
        hash=task.session.models[task.model].hash.hex(),
        port=task.session.port.url,
        firmware=info.firmware,
        samples=len(tally.totals),
        differing=tally.differing,
        layers=tuple(
            LayerSummary(
                layer=number,
                node=reported.node,
                name=task.graph.nodes[reported.node].name,
                op=task.graph.nodes[reported.node].op,
                variant=reported.variant,
                function=reported.function,
                differing=int(tally.wrong[number]),
                first=int(tally.first[number]),
                cost=None if costs is None else float(costs[number]),
            )
            for number, reported in enumerate(task.layers)
        ),
        layer_bytes=len(tally.totals)
        * sum(task.graph.tensors[layer.tensor].nbytes for layer in task.layers),
        first=first,
        cost=Cost(
            info.counter_unit, float(totals.min()), float(np.median(totals)), float(totals.max())
        )
        if counts
        else None,
        line=LineSummary(
            sent_frames=statistics.sent_frames,
            lost_frames=statistics.lost_frames,
            stale_frames=statistics.stale_frames,
            sent_bytes=statistics.sent_bytes,
            received_bytes=statistics.received_bytes,
            damaged=statistics.damaged_frames,
            resets=task.session.resets,
            seconds=seconds,
        ),
    )
