"""The first wrong element: where it is, who is to blame, and what would explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.errors import DeviceError
from qembed.ir import AnyArray, Graph
from qembed.ops import OPERATORS
from qembed.protocol.messages import ByteOrder
from qembed.verify.causes.evidence import Case, Evidence
from qembed.verify.diagnose import describe_pattern, diagnose
from qembed.verify.expected import SampleBytes, expectations
from qembed.verify.layers import ReportedLayer, unpacked, unstored
from qembed.verify.report import Blame, Cause, Difference
from qembed.verify.site import Build, find_site
from qembed.verify.witness import Witness


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A model on a board, and the samples to run there."""

    graph: Graph
    session: Witness
    model: int
    layers: tuple[ReportedLayer, ...]
    inputs: tuple[AnyArray, ...]
    build: Build | None = None

    @property
    def ordered(self) -> bool:
        """The samples are successive steps of a model with state."""
        return bool(self.graph.state)

    @property
    def byte_order(self) -> ByteOrder:
        """How numbers lie in the board's memory."""
        return self.session.info.byte_order

    def history(self, sample: int) -> list[AnyArray]:
        """Return what must be run to come to a sample: itself, or all steps up to it."""
        start = 0 if self.ordered else sample
        return [array[start : sample + 1] for array in self.inputs]

    def approach(self, sample: int) -> list[AnyArray]:
        """Return a history that has another sample before it, so that what is left over shows."""
        if self.ordered:
            return self.history(sample)
        return [array[[sample - 1, sample]] for array in self.inputs]


def locate(task: Task, suspects: Sequence[int], healthy: Sequence[int]) -> Difference:
    """Run samples again; find the first wrong element of the first, who is wrong, and why.

    Parameters
    ----------
    suspects : sequence of int
        Samples that differ first in the same layer; at least one.
    healthy : sequence of int
        Samples without a difference.
    """
    sample = suspects[0]
    history = task.approach(sample)
    *_, want = expectations(task.graph, task.layers, history, task.byte_order)
    sent = SampleBytes(history, task.byte_order)
    *_, have = task.session.infer_many(task.model, sent, ordered=task.ordered)
    if not have.input_is_right:
        return _without_element(task, sample, -1, "input")
    pairs = zip(want.layer_hashes, have.record.layer_hashes, strict=True)
    wrong = next((i for i, (right, got) in enumerate(pairs) if right != got), None)
    escape = have.record.escape
    if escape is not None and (wrong is None or escape[0] <= wrong):
        return _escape(task, sample, *escape)
    if wrong is not None:
        return _locate_in_layer(task, wrong, suspects, healthy)
    if want.outputs != have.record.outputs:
        return _locate_in_outputs(task, sample, have.record.outputs, history)
    return _without_element(task, sample, len(task.layers), "unstable")


def _locate_in_layer(
    task: Task, layer: int, suspects: Sequence[int], healthy: Sequence[int]
) -> Difference:
    sample, reported = suspects[0], task.layers[layer]
    got = _fetch(task, sample, layer)
    truth = reference.trace(task.graph, task.history(sample))
    right = truth[reported.tensor][-1]
    host = HostModel(task.graph).trace(task.history(sample))[reported.tensor][-1]
    if _same(got, right) and _same(host, right):
        return _without_element(task, sample, layer, "unstable")
    if not _same(host, right):
        return _element(task, sample, layer, truth, got, "host")
    found = _element(task, sample, layer, truth, got, "board")
    others = () if task.ordered else (*suspects[1:], *healthy)
    cases = [_case(task, sample, reported, got)]
    cases += [_case(task, other, reported, _fetch(task, other, layer)) for other in others]
    return replace(
        found,
        pattern=describe_pattern(right, got),
        causes=tuple(
            _with_sites(task, reported, cause)
            for cause in diagnose(Evidence(task.graph, reported, tuple(cases), task.byte_order))
        ),
    )


def _with_sites(task: Task, reported: ReportedLayer, cause: Cause) -> Cause:
    if task.build is None or not cause.constants:
        return cause
    found = (find_site(task.build, task.graph, reported, wrong) for wrong in cause.constants)
    return replace(cause, sites=tuple(site for site in found if site is not None))


def _escape(task: Task, sample: int, layer: int, at: int) -> Difference:
    """Something was written outside the arena while a layer ran."""
    size = task.session.models[task.model].arena_bytes
    where = f"{-at} bytes before its start" if at < 0 else f"{at - size + 1} bytes beyond its end"
    cause = Cause("escape", f"it writes outside the arena, {where}")
    return replace(_without_element(task, sample, layer, "board"), causes=(cause,))


def _fetch(task: Task, sample: int, layer: int) -> AnyArray:
    """Return a layer's output from the board, after the sample before has run there."""
    if not task.ordered:
        before = SampleBytes(task.approach(sample), task.byte_order)[0]
        for _seen in task.session.infer_many(task.model, [before]):
            pass
    history = SampleBytes(task.history(sample), task.byte_order)
    data, _ = task.session.fetch(task.model, history, layer, ordered=task.ordered)
    tensor = task.graph.tensors[task.layers[layer].tensor]
    if len(data) != tensor.nbytes:
        raise DeviceError(
            f"layer {layer} of the firmware has {len(data)} bytes, in the model {tensor.nbytes}: "
            "they are not of one making; export and build again"
        )
    return unstored(data, task.graph, task.layers[layer], task.byte_order)


def _case(task: Task, sample: int, reported: ReportedLayer, got: AnyArray) -> Case:
    traced = HostModel(task.graph).trace(task.approach(sample))
    right = traced[reported.tensor]
    return Case(
        inputs=_inputs_of(task.graph, reported, traced),
        right=right[-1],
        got=got,
        before=right[-2] if len(right) > 1 else None,
        others={index: array[-1] for index, array in traced.items()},
    )


def _inputs_of(
    graph: Graph, reported: ReportedLayer, traced: dict[int, AnyArray]
) -> tuple[AnyArray, ...]:
    """Return the inputs of a layer's node in the last sample of a trace, constants included."""
    return tuple(
        data if (data := graph.tensors[i].data) is not None else traced[i][-1]
        for i in graph.nodes[reported.node].inputs
    )


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
    return int(accumulate(node.params, *_inputs_of(graph, reported, truth))[index])


def _locate_in_outputs(
    task: Task, sample: int, outputs: bytes, history: Sequence[AnyArray]
) -> Difference:
    """Every layer was right when it was done, but what the application reads is not."""
    truth = reference.trace(task.graph, history)
    at = 0
    for index in task.graph.outputs:
        tensor = task.graph.tensors[index]
        data, at = outputs[at : at + tensor.nbytes], at + tensor.nbytes
        got = unpacked(data, tensor, task.byte_order).reshape(tensor.shape)
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
