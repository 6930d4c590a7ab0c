"""Hold a board's bytes against the desk's, and say where they part first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qembed.container import graph_hash
from qembed.device.session import Observation
from qembed.errors import DeviceError, InputError
from qembed.ir import AnyArray, Graph
from qembed.verify.agreement import Accumulator
from qembed.verify.expected import Expectation, SampleBytes, expectations
from qembed.verify.journal import Recorder
from qembed.verify.layers import ReportedLayer
from qembed.verify.locate import Task, locate
from qembed.verify.report import Cost, Difference, LayerSummary, LineSummary, Report
from qembed.verify.witness import Witness, model_index

SUSPECTS, HEALTHY = 4, 2
"""Samples that are run again to find the cause of a difference."""

Progress = Callable[[int, int], None]
"""Told the number of samples done and of all."""


@dataclass(slots=True, eq=False)
class _Tally:
    """Counts over the samples so far, and a few of them to examine.

    `suspects` differ first in `suspect_layer`, that of the first of them; in `healthy` ones every
    byte is right.
    """

    wrong: NDArray[np.int64]
    first: NDArray[np.int64]
    agreement: Accumulator
    differing: int = 0
    suspect_layer: int | None = None
    suspects: list[int] = field(default_factory=list)
    healthy: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    layer_ticks: list[tuple[int, ...]] = field(default_factory=list)


def verify(
    graph: Graph,
    session: Witness,
    layers: Sequence[ReportedLayer],
    inputs: Sequence[AnyArray] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run samples on a board and compare every byte of every layer.

    Parameters
    ----------
    graph : Graph
    session : Witness
        Holds this model: a `Session`, a `Recorder` around one, or a `Replay`.
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
    tally = _Tally(
        np.zeros(len(layers), np.int64), np.zeros(len(layers), np.int64), Accumulator(graph)
    )
    count = len(task.inputs[0])
    expected = expectations(graph, task.layers, task.inputs)
    run = session.go_on if isinstance(session, Recorder) else session.infer_many
    seen = run(task.model, SampleBytes(task.inputs), ordered=task.ordered, ticks=True)
    for want, have in zip(expected, seen, strict=True):
        _compare(tally, want, have)
        if progress is not None:
            progress(have.index + 1, count)
    first = locate(task, tally.suspects, tally.healthy) if tally.suspects else None
    return _report(task, tally, first, time.monotonic() - started)


def _prepare(
    graph: Graph,
    session: Witness,
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
    model = model_index(session, graph_hash(graph))
    said = session.models[model]
    sizes = [tuple(graph.tensors[i].nbytes for i in ids) for ids in (graph.inputs, graph.outputs)]
    if [said.inputs, said.outputs] != sizes:
        raise DeviceError(
            f"the firmware's inputs and outputs have {said.inputs} and {said.outputs} bytes, those"
            f" of the model {sizes[0]} and {sizes[1]}; export and build again"
        )
    if said.layers != len(layers):
        raise DeviceError(
            f"the firmware reports {said.layers} layers of this model, its export"
            f" {len(layers)}: they are not of one making; export and build again"
        )
    return Task(graph, session, model, layers, tuple(inputs))


def _compare(tally: _Tally, want: Expectation, have: Observation) -> None:
    record = have.record
    wrong = np.array(want.layer_hashes) != np.array(record.layer_hashes)
    tally.agreement.add(want.outputs, record.outputs)
    tally.totals.append(record.ticks)
    tally.layer_ticks.append(record.layer_ticks)
    if have.input_is_right and not wrong.any() and want.outputs == record.outputs:
        if len(tally.healthy) < HEALTHY:
            tally.healthy.append(have.index)
        return
    tally.differing += 1
    tally.wrong += wrong
    first = int(wrong.argmax()) if wrong.any() else None
    if first is not None:
        tally.first[first] += 1
    if not tally.suspects or (
        first is not None and first == tally.suspect_layer and len(tally.suspects) < SUSPECTS
    ):
        tally.suspects.append(have.index)
        tally.suspect_layer = first


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
        port=task.session.url,
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
        agreement=tally.agreement.result(),
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
