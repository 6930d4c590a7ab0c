"""Hold a board's bytes against the desk's, and say where they part first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qembed.container import graph_hash
from qembed.device.session import Observation
from qembed.errors import DeviceError, InputError
from qembed.ir import AnyArray, Graph
from qembed.protocol.client import Statistics
from qembed.verify.agreement import Accumulator
from qembed.verify.expected import Expectation, SampleBytes, expectations
from qembed.verify.journal import Recorder
from qembed.verify.layers import ReportedLayer
from qembed.verify.locate import Task, locate
from qembed.verify.report import QUANTILES, Cost, LayerSummary, LineSummary, Memory, Report
from qembed.verify.reservoir import Reservoir
from qembed.verify.site import Build
from qembed.verify.witness import Witness, model_index

SUSPECTS, HEALTHY = 4, 2
"""Samples that are run again to find the cause of a difference."""

MOST_TICKS = 1 << 62
"""What a device that claims more counts is no time."""

Progress = Callable[[int, int], None]
"""Told the number of samples done and of all."""


@dataclass(slots=True, eq=False)
class _Tally:
    """Counts over the samples so far, and a few of them to examine.

    `suspects` differ first in `suspect_layer`, that of the first of them; in `healthy` ones every
    byte is right. A row of `ticks` is the whole inference, then every layer.
    """

    wrong: NDArray[np.int64]
    first: NDArray[np.int64]
    agreement: Accumulator
    ticks: Reservoir
    samples: int = 0
    differing: int = 0
    stack_bytes: int = 0
    suspect_layer: int | None = None
    suspects: list[int] = field(default_factory=list)
    healthy: list[int] = field(default_factory=list)


def verify(
    graph: Graph,
    session: Witness,
    layers: Sequence[ReportedLayer],
    inputs: Sequence[AnyArray] | None = None,
    progress: Progress | None = None,
    build: Build | None = None,
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
    build : Build, optional
        The linked firmware, where it is at hand: bounds its stack, and has the address of a wrong
        constant.

    Raises
    ------
    InputError
        If the inputs do not fit, or are missing.
    DeviceError
        If the firmware holds another model, or the board stops answering.
    """
    return Judge(graph, session, layers, inputs, build).run_once(progress)


class Judge:
    """A verification under way: the samples may be run as often as wanted.

    The parameters are those of `verify`.

    Attributes
    ----------
    passes : int
        How often all samples were run.
    """

    def __init__(
        self,
        graph: Graph,
        session: Witness,
        layers: Sequence[ReportedLayer],
        inputs: Sequence[AnyArray] | None = None,
        build: Build | None = None,
    ) -> None:
        self._started = time.monotonic()
        self._task = _prepare(graph, session, tuple(layers), inputs, build)
        self._tally = _Tally(
            np.zeros(len(layers), np.int64),
            np.zeros(len(layers), np.int64),
            Accumulator(graph, self._task.byte_order),
            Reservoir(1 + len(layers)),
        )
        self._past_lines = Statistics()
        self._past_resets = 0
        self.passes = self.reconnects = 0

    @property
    def task(self) -> Task:
        """Model, board and samples."""
        return self._task

    @property
    def samples(self) -> int:
        """Inferences so far."""
        return self._tally.samples

    @property
    def differing(self) -> int:
        """How many of them differed."""
        return self._tally.differing

    @property
    def resets(self) -> int:
        """How often the board forgot the session."""
        return self._past_resets + self._task.session.resets

    def run_once(self, progress: Progress | None = None) -> Report:
        """Run every sample and report."""
        self.run(progress)
        return self.report()

    def run(self, progress: Progress | None = None) -> None:
        """Run every sample once and compare.

        Raises
        ------
        DeviceError
            If the board stops answering.
        """
        task, session = self._task, self._task.session
        count = len(task.inputs[0])
        expected = expectations(task.graph, task.layers, task.inputs, task.byte_order)
        for want, have in zip(expected, self._observations(session), strict=True):
            _compare(self._tally, want, have)
            if progress is not None:
                progress(have.index + 1, count)
        self.passes += 1

    def _observations(self, session: Witness) -> Iterator[Observation]:
        task = self._task
        again = self.passes > 0 or not isinstance(session, Recorder)
        # `again` is false for recorders alone, and only they go on.
        run = session.infer_many if again else session.go_on  # type: ignore[attr-defined]
        sent = SampleBytes(task.inputs, task.byte_order)
        seen: Iterator[Observation] = run(task.model, sent, ordered=task.ordered, ticks=True)
        return seen

    def go_on_with(self, session: Witness) -> None:
        """Continue with the same board after it was plugged in again.

        Raises
        ------
        DeviceError
            If it is another firmware.
        """
        before = self._task.session
        if (session.info, session.models) != (before.info, before.models):
            raise DeviceError(f"the board on {session.url} came back with another firmware")
        self._past_lines += before.statistics
        self._past_resets += before.resets
        self.reconnects += 1
        self._task = replace(self._task, session=session)

    def report(self) -> Report:
        """Say what was found; examine the first difference on the board."""
        task, tally = self._task, self._tally
        first = locate(task, tally.suspects, tally.healthy) if tally.suspects else None
        info, model = task.session.info, task.session.models[task.model]
        cost, per_layer = _costs(task, tally.ticks)
        bound = task.build.stack_bound if task.build else None
        return Report(
            verdict="different" if tally.differing else "equal",
            model=task.graph.name,
            hash=model.hash.hex(),
            port=task.session.url,
            firmware=info.firmware,
            samples=tally.samples,
            passes=self.passes,
            differing=tally.differing,
            layers=tuple(
                _summary(task, tally, number, per_layer) for number in range(len(task.layers))
            ),
            layer_bytes=tally.samples
            * sum(task.graph.tensors[layer.tensor].nbytes for layer in task.layers),
            first=first,
            agreement=tally.agreement.result(),
            counter_unit=info.counter_unit,
            cost=cost,
            memory=Memory(model.arena_bytes, tally.stack_bytes or None, bound),
            line=self._line(),
        )

    def _line(self) -> LineSummary:
        counted = self._past_lines + self._task.session.statistics
        return LineSummary(
            sent_frames=counted.sent_frames,
            lost_frames=counted.lost_frames,
            stale_frames=counted.stale_frames,
            sent_bytes=counted.sent_bytes,
            received_bytes=counted.received_bytes,
            damaged=counted.damaged_frames,
            resets=self.resets,
            reconnects=self.reconnects,
            seconds=time.monotonic() - self._started,
        )


def _prepare(
    graph: Graph,
    session: Witness,
    layers: tuple[ReportedLayer, ...],
    inputs: Sequence[AnyArray] | None,
    build: Build | None,
) -> Task:
    if inputs is None:
        if graph.samples is None:
            raise InputError("the model carries no samples; give inputs")
        inputs = graph.samples.inputs
    _check_inputs(graph, inputs)
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
    return Task(graph, session, model, layers, tuple(inputs), build)


def _check_inputs(graph: Graph, inputs: Sequence[AnyArray]) -> None:
    if len(inputs) != len(graph.inputs) or not all(len(array) for array in inputs):
        raise InputError(f"the model takes {len(graph.inputs)} inputs of at least one sample")
    for array, index in zip(inputs, graph.inputs, strict=True):
        tensor = graph.tensors[index]
        if array.dtype.name != tensor.dtype or array.shape[1:] != tensor.shape:
            raise InputError(
                f"input '{tensor.name}' is {array.dtype.name}{list(array.shape)}, must be "
                f"{tensor.dtype}[B, {', '.join(map(str, tensor.shape))}]"
            )


def _compare(tally: _Tally, want: Expectation, have: Observation) -> None:
    record = have.record
    wrong = np.array(want.layer_hashes) != np.array(record.layer_hashes)
    if record.escape is not None and record.escape[0] < len(wrong):
        wrong[record.escape[0]] = True
    tally.samples += 1
    tally.agreement.add(want.outputs, record.outputs)
    tally.ticks.add((min(record.ticks, MOST_TICKS), *record.layer_ticks))
    tally.stack_bytes = max(tally.stack_bytes, record.stack_bytes)
    if (
        have.input_is_right
        and not wrong.any()
        and want.outputs == record.outputs
        and record.escape is None
    ):
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


def _summary(
    task: Task, tally: _Tally, number: int, costs: NDArray[np.float64] | None
) -> LayerSummary:
    reported = task.layers[number]
    node = task.graph.nodes[reported.node]
    return LayerSummary(
        layer=number,
        node=reported.node,
        name=node.name,
        op=node.op,
        variant=reported.variant,
        function=reported.function,
        differing=int(tally.wrong[number]),
        first=int(tally.first[number]),
        cost=None if costs is None else float(costs[number]),
    )


def _costs(task: Task, ticks: Reservoir) -> tuple[Cost | None, NDArray[np.float64] | None]:
    """Cost of an inference and of each layer; None if the board's counter does not count."""
    info = task.session.info
    if not info.counter_unit or not ticks.most[0]:
        return None, None
    scale = info.counter_numerator / max(info.counter_denominator, 1)
    totals, *_ = rows = ticks.rows.T * scale
    cost = Cost(
        unit=info.counter_unit,
        least=float(ticks.least[0] * scale),
        median=float(np.median(totals)),
        most=float(ticks.most[0] * scale),
        quantiles=tuple(np.quantile(totals, QUANTILES).tolist()),
    )
    return cost, np.median(rows[1:], axis=1)
