"""Layers side by side on the emulated Cortex-M55, each in memory of its own, as a test lays it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qembed.backends import reference
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export import model
from qembed.export.firmware import export_firmware
from qembed.export.lowering import Lowering, demand_of
from qembed.export.ops import lower
from qembed.ir import Graph
from qembed.plan import Layer, Plan
from support.helium_layers import HELIUM_LAYERS
from support.toy import need

BOARD = "mps3-an547"


@dataclass(frozen=True)
class Case:
    """A layer, one traversal of it, and where its output lies."""

    graph: Graph
    inputs: Sequence[np.ndarray]
    lowering: Lowering
    input: int = 0
    distance: int | None = None  # None: apart

    def __str__(self) -> str:
        x, y = self.graph.tensors[self.graph.inputs[0]], self.graph.tensors[self.graph.outputs[0]]
        return (
            f"{self.lowering.function} {self.lowering.traversal}, {x.shape} -> {y.shape}, "
            f"output {self.distance} bytes from input {self.input}"
        )


def layers(function: str, count: int, seed: int = 0) -> Iterator[Case]:
    """Random layers that a kernel runs, in every traversal, memory apart."""
    found = 0
    while found < count:
        graph, inputs = HELIUM_LAYERS[function](np.random.default_rng(seed))
        seed += 1
        lowering = lower(graph.nodes[0], graph, need(BOARD).target)
        if lowering.function == function:
            found += 1
            for way in (lowering, *lowering.others):
                yield Case(graph, inputs, way)


def over_its_input(case: Case, rng: np.random.Generator) -> Iterator[Case]:
    """The same layer with its output as near to each input as it declares, and a little further."""
    nbytes = case.graph.tensors[case.graph.outputs[0]].nbytes
    for overlap in demand_of(case.lowering).traversals[0].overlaps:
        found = {0} if overlap.in_place else set()
        if overlap.below is not None:
            end = overlap.below // 4 * 4
            found |= {end, end - 4 * int(rng.integers(1, 8))}
        if overlap.above is not None:
            end = -(-overlap.above // 4) * 4
            found |= {end, end + 4 * int(rng.integers(1, 8))}
        size = case.graph.tensors[case.graph.inputs[overlap.input]].nbytes
        for distance in sorted(found):
            if -nbytes < distance < size:
                yield replace(case, input=overlap.input, distance=distance)


def _side_by_side(cases: Sequence[Case]) -> Graph:
    tensors, nodes, inputs, outputs = [], [], [], []
    for case in cases:
        base, (node,) = len(tensors), case.graph.nodes
        tensors += case.graph.tensors
        inputs += [base + i for i in case.graph.inputs]
        outputs += [base + i for i in case.graph.outputs]
        moved = [tuple(base + i for i in part) for part in (node.inputs, node.outputs)]
        nodes.append(replace(node, name=str(len(nodes)), inputs=moved[0], outputs=moved[1]))
    return Graph("layers", tuple(tensors), tuple(nodes), tuple(inputs), tuple(outputs))


def _plan(graph: Graph, cases: Sequence[Case]) -> Plan:
    """Everything apart but the outputs that are to lie over inputs; one scratch for all."""
    offsets: dict[int, int] = {}
    end = 0
    for node, case in zip(graph.nodes, cases, strict=True):
        for i in node.inputs:
            low = min(0, case.distance or 0) if i == node.inputs[case.input] else 0
            offsets[i] = end - low
            end = offsets[i] + graph.tensors[i].nbytes + 3 & ~3
        (y,) = node.outputs
        apart = case.distance is None
        offsets[y] = end if apart else offsets[node.inputs[case.input]] + case.distance
        end = max(end, offsets[y] + graph.tensors[y].nbytes + 3 & ~3)
    numbers = range(len(cases))
    return Plan(
        order=tuple(numbers),
        offsets=offsets,
        aliases={},
        traversals={n: demand_of(cases[n].lowering).traversals[0] for n in numbers},
        scratch={n: end for n in numbers if cases[n].lowering.scratch_bytes},
        layers=tuple(Layer(n, graph.nodes[n].outputs[0]) for n in numbers),
        arena_bytes=end + max(case.lowering.scratch_bytes for case in cases) + 3 & ~3,
        lower_bound=0,
        alignment=4,
    )


def wrong(cases: Sequence[Case], folder, monkeypatch, edit=None) -> list[Case]:
    """Run all cases on the board; those whose output differs from the definition.

    `edit`, if given, is called with the exported folder before it is built.
    """
    graph = _side_by_side(cases)
    plan = _plan(graph, cases)
    chosen = tuple(replace(case.lowering, others=()) for case in cases)
    monkeypatch.setattr(model, "choose_kernels", lambda *_: chosen)
    monkeypatch.setattr(model, "plan_memory", lambda *_: plan)
    project = export_firmware([graph], need(BOARD), folder)
    (part,) = project.models
    assert part.sources.plan is plan, "the exporter has planned by itself"
    assert part.sources.lowerings == chosen, "the exporter has chosen by itself"
    if edit:
        edit(project.folder)
    samples = len(cases[0].inputs[0])
    sent = [b"".join(x[i].tobytes() for case in cases for x in case.inputs) for i in range(samples)]
    with boot(build_firmware(project)) as running:
        port = open_port(running.port_url)
        seen = [one.record.outputs for one in Session(port).infer_many(0, sent, ticks=False)]
        port.close()
    differ = []
    at = 0
    for case in cases:
        (expected,) = reference.run(case.graph, case.inputs)
        end = at + expected[0].nbytes
        if any(seen[i][at:end] != expected[i].tobytes() for i in range(samples)):
            differ.append(case)
        at = end
    return differ
