"""What one inference costs on a board: instructions, cycles, flash, RAM, stack; layer by layer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qembed.boards import Board
from qembed.device.build import Firmware, build_firmware
from qembed.device.counts import count_instructions
from qembed.device.cycles import estimate_cycles
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import FirmwareProject, export_firmware
from qembed.export.model import ModelSources
from qembed.ir import AnyArray, Graph
from qembed.ops import OPERATORS
from qembed.plan import Plan
from qembed.plan.rows import INPUT


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer: a call of a kernel.

    Attributes
    ----------
    index : int
        Of the layer, as the link numbers it.
    name, op : str
        Of its node.
    variant, function : str
        The kernel.
    macs : int
    instructions, cycles, estimated_cycles : int, optional
        As in `Cost`.
    """

    index: int
    name: str
    op: str
    variant: str
    function: str
    macs: int
    instructions: int | None
    cycles: int | None
    estimated_cycles: int | None


@dataclass(frozen=True, slots=True)
class Cost:
    """One inference, and a firmware that does nothing else.

    Attributes
    ----------
    model, board, target : str
    instructions, cycles : int, optional
        Of one inference; link and layer hashes are not counted. None where the board does not tell.
    estimated_cycles : int, optional
        From the counts and the timings in the core's manual: see `qembed.device.cycles`.
    macs : int
    arena_bytes : int
        Activations and scratch.
    code_bytes : int
        Flash without the weights: start-up, kernels, parameters, calls.
    flash_bytes : int
        Everything.
    stack_bytes : int, optional
        Bound of an inference; None if the compiler gives none.
    layers : tuple of LayerCost
    """

    model: str
    board: str
    target: str
    instructions: int | None
    cycles: int | None
    estimated_cycles: int | None
    macs: int
    arena_bytes: int
    code_bytes: int
    flash_bytes: int
    stack_bytes: int | None
    layers: tuple[LayerCost, ...]


def bench(
    graph: Graph,
    board: Board,
    sample: Sequence[AnyArray] | None = None,
    cmsis_nn: Path | None = None,
    *,
    arena_max: int | None = None,
    push_rows: bool = False,
) -> Cost:
    """Export, build, boot and measure.

    Parameters
    ----------
    graph : Graph
    board : Board
    sample : sequence of ndarray, optional
        One array for each input, of the tensor's shape and type. By default the model's first
        sample, or zeros: the counts of most networks do not depend on it.
    cmsis_nn : Path, optional
        Folder of a CMSIS-NN to run the layers in place of qembed's kernels.
    arena_max, push_rows
        As for `export_firmware`.

    Raises
    ------
    ToolError
        If the compiler or the emulator is missing.
    DeviceError
        If the firmware does not answer.
    UnsupportedError
        If the model cannot be exported for the board.
    """
    with tempfile.TemporaryDirectory(prefix="qembed-") as folder:
        observed, bare = (
            export_firmware(
                [graph],
                board,
                Path(folder) / name,
                link=name == "observed",
                arena_max=arena_max,
                push_rows=push_rows,
                cmsis_nn=cmsis_nn,
            )
            for name in ("observed", "bare")
        )
        sizes = build_firmware(bare).sizes
        spent = _measure(build_firmware(observed), _sample_bytes(graph, sample))
        spent = _by_layer(_sources(observed).plan, spent)
        layers = _layers(graph, _sources(observed), spent)
    total = _sum(spent)
    return Cost(
        model=graph.name,
        board=board.name,
        target=board.target.name,
        instructions=total.instructions,
        cycles=total.cycles,
        estimated_cycles=total.estimated_cycles,
        macs=sum(layer.macs for layer in layers),
        arena_bytes=sizes.arena,
        code_bytes=sizes.code,
        flash_bytes=sizes.flash,
        stack_bytes=sizes.stack,
        layers=layers,
    )


@dataclass(frozen=True, slots=True)
class _Spent:
    """The measured part of a cost."""

    instructions: int | None = None
    cycles: int | None = None
    estimated_cycles: int | None = None


def _sum(parts: Sequence[_Spent]) -> _Spent:
    """Add up; the sum is as well known as its least known part."""

    def total(numbers: list[int | None]) -> int | None:
        known = [number for number in numbers if number is not None]
        return sum(known) if known and len(known) == len(numbers) else None

    return _Spent(
        total([part.instructions for part in parts]),
        total([part.cycles for part in parts]),
        total([part.estimated_cycles for part in parts]),
    )


def _sources(project: FirmwareProject) -> ModelSources:
    sources = project.models[0].sources
    assert sources is not None  # it was exported from a graph
    return sources


def _sample_bytes(graph: Graph, sample: Sequence[AnyArray] | None) -> bytes:
    if sample is None and graph.samples is not None:
        sample = [array[0] for array in graph.samples.inputs]
    if sample is None:
        tensors = [graph.tensors[i] for i in graph.inputs]
        sample = [np.zeros(tensor.shape, tensor.dtype) for tensor in tensors]
    return b"".join(np.ascontiguousarray(array).tobytes() for array in sample)


def _measure(firmware: Firmware, sample: bytes) -> list[_Spent]:
    """Spend on each layer, and behind the last one on the return from the inference."""
    emulator, counter = firmware.board.emulator, firmware.board.counter
    if emulator is not None and emulator.plugin_option:
        (counts,) = count_instructions(firmware, [sample])
        return [
            _Spent(stretch.instructions, estimated_cycles=estimate_cycles(firmware, stretch))
            for stretch in (*counts.layers, counts.rest)
        ]
    with boot(firmware) as running:
        port = open_port(running.port_url)
        try:
            (seen,) = Session(port).infer_many(0, [sample], ticks=True)
        finally:
            port.close()
    units = [round(ticks * counter.per_tick) for ticks in seen.record.layer_ticks]
    if counter.unit == "cycles":
        return [_Spent(cycles=number) for number in units]
    return [_Spent(number if counter.unit == "instructions" else None) for number in units]


def _by_layer(plan: Plan, spent: list[_Spent]) -> list[_Spent]:
    """Add up the steps of layers that run row by row."""
    if plan.stream is None or len(spent) <= len(plan.layers) + 1:
        return spent
    streamed = plan.stream.schedule.stop
    steps: list[list[_Spent]] = [[] for _ in range(streamed)]
    nodes = [step.node for step in plan.stream.schedule.steps if step.node != INPUT]
    for node, part in zip(nodes, spent, strict=False):
        steps[node].append(part)
    return [_sum(parts) for parts in steps] + spent[len(nodes) :]


def _layers(graph: Graph, sources: ModelSources, spent: Sequence[_Spent]) -> tuple[LayerCost, ...]:
    layers = []
    for index, (layer, cost) in enumerate(zip(sources.plan.layers, spent, strict=False)):
        node, lowering = graph.nodes[layer.node], sources.lowerings[layer.node]
        first = layer.tensor == node.outputs[0]
        layers.append(
            LayerCost(
                index=index,
                name=node.name,
                op=node.op,
                variant=lowering.variant,
                function=lowering.function,
                macs=_macs(graph, layer.node) if first else 0,
                instructions=cost.instructions,
                cycles=cost.cycles,
                estimated_cycles=cost.estimated_cycles,
            )
        )
    return tuple(layers)


def _macs(graph: Graph, n: int) -> int:
    node = graph.nodes[n]
    count = OPERATORS[node.op].macs
    if count is None:
        return 0
    return count(node.params, *(graph.tensors[i] for i in (*node.inputs, *node.outputs)))
