"""What one inference costs on a board: instructions, cycles, flash, RAM, stack; layer by layer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qembed.boards import Board
from qembed.device.build import Firmware, build_firmware
from qembed.device.counts import boot_counting
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.errors import DeviceError
from qembed.export.firmware import FirmwareProject, export_firmware
from qembed.export.model import ModelSources
from qembed.ir import AnyArray, Graph
from qembed.ops import OPERATORS


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer: a call of a kernel, with the reset of its output's observation left out.

    Attributes
    ----------
    index : int
        Of the layer, as the link numbers it.
    name, op : str
        Of its node.
    variant, function : str
        The kernel.
    macs : int
    instructions, cycles : int, optional
        None where the board does not tell.
    """

    index: int
    name: str
    op: str
    variant: str
    function: str
    macs: int
    instructions: int | None
    cycles: int | None


@dataclass(frozen=True, slots=True)
class Cost:
    """One inference, and a firmware that does nothing else.

    Attributes
    ----------
    model, board, target : str
    instructions, cycles : int, optional
        Of one inference; link and layer hashes are not counted. None where the board does not tell.
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
    macs: int
    arena_bytes: int
    code_bytes: int
    flash_bytes: int
    stack_bytes: int | None
    layers: tuple[LayerCost, ...]


def bench(graph: Graph, board: Board, sample: Sequence[AnyArray] | None = None) -> Cost:
    """Export, build, boot and measure.

    Parameters
    ----------
    graph : Graph
    board : Board
    sample : sequence of ndarray, optional
        One array for each input, of the tensor's shape and type. By default the model's first
        sample, or zeros: the counts of most networks do not depend on it.

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
        observed = export_firmware([graph], board, Path(folder) / "observed")
        bare = export_firmware([graph], board, Path(folder) / "bare", link=False)
        sizes = build_firmware(bare).sizes
        costs, total = _measure(build_firmware(observed), _sample_bytes(graph, sample))
        layers = _layers(graph, _sources(observed), costs, board.counter.unit)
    return Cost(
        model=graph.name,
        board=board.name,
        target=board.target.name,
        instructions=total if _counts_instructions(board) else None,
        cycles=total if board.counter.unit == "cycles" else None,
        macs=sum(layer.macs for layer in layers),
        arena_bytes=sizes.arena,
        code_bytes=sizes.code,
        flash_bytes=sizes.flash,
        stack_bytes=sizes.stack,
        layers=layers,
    )


def _sources(project: FirmwareProject) -> ModelSources:
    sources = project.models[0].sources
    assert sources is not None  # it was exported from a graph
    return sources


def _counts_instructions(board: Board) -> bool:
    plugin = board.emulator is not None and bool(board.emulator.plugin_option)
    return plugin or board.counter.unit == "instructions"


def _sample_bytes(graph: Graph, sample: Sequence[AnyArray] | None) -> bytes:
    if sample is None and graph.samples is not None:
        sample = [array[0] for array in graph.samples.inputs]
    if sample is None:
        tensors = [graph.tensors[i] for i in graph.inputs]
        sample = [np.zeros(tensor.shape, tensor.dtype) for tensor in tensors]
    return b"".join(np.ascontiguousarray(array).tobytes() for array in sample)


def _measure(firmware: Firmware, sample: bytes) -> tuple[tuple[int, ...], int]:
    """Cost of each layer and of the inference, by the emulator's count or the board's counter."""
    emulator = firmware.board.emulator
    if emulator is not None and emulator.plugin_option:
        with boot_counting(firmware) as counting:
            _infer(counting.running.port_url, sample)
            counts = counting.take()[-1]
        return counts.per_layer, counts.total
    with boot(firmware) as running:
        ticks = _infer(running.port_url, sample)
    per_layer = tuple(round(t * firmware.board.counter.per_tick) for t in ticks)
    return per_layer, sum(per_layer)


def _infer(url: str, sample: bytes) -> tuple[int, ...]:
    port = open_port(url)
    try:
        for seen in Session(port).infer_many(0, [sample], ticks=True):
            return seen.record.layer_ticks
    finally:
        port.close()
    raise DeviceError("the board gave no result")


def _layers(
    graph: Graph, sources: ModelSources, costs: Sequence[int], unit: str
) -> tuple[LayerCost, ...]:
    layers = []
    for index, (layer, cost) in enumerate(zip(sources.plan.layers, costs, strict=True)):
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
                instructions=None if unit == "cycles" else cost,
                cycles=cost if unit == "cycles" else None,
            )
        )
    return tuple(layers)


def _macs(graph: Graph, n: int) -> int:
    node = graph.nodes[n]
    count = OPERATORS[node.op].macs
    if count is None:
        return 0
    return count(node.params, *(graph.tensors[i] for i in (*node.inputs, *node.outputs)))
