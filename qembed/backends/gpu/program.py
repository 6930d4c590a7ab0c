"""A graph as kernels: which are launched, what is fused, and where every tensor lies.

Three ways to run the same steps, the most fused one that fits:

- the whole network in one launch, a block for each sample, activations in shared memory;
- layer by layer, but a depthwise convolution with the pixelwise one behind it;
- layer by layer, one kernel for each step.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from qembed.backends.arena import place
from qembed.backends.gpu import lowering
from qembed.backends.gpu.device import THREADS
from qembed.backends.gpu.lowering import Launch, Values
from qembed.backends.gpu.ops._positions import move
from qembed.backends.gpu.ops.conv import PIXELS
from qembed.backends.gpu.source import network_kernels
from qembed.errors import UnsupportedError
from qembed.ir import Graph, Node, Tensor

FUSED_ROWS, FUSED_SKEW = 64, 16
"""As in kernels/depthwise_pointwise.cu."""
IN_PLACE = ("svdf", "lstm")
"""Operators whose kernels may write a state over the one they read."""
MOST_VALUES = (1 << 31) - 1
"""Of one tensor: positions are int32."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One kernel's work: the launch, and the tensors it reads and writes."""

    launch: Launch
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """What one launch does.

    Attributes
    ----------
    kernel : str
    first, count : int
        Steps that it takes.
    threads : int
        That a sample can make use of; 0: a block.
    shared_bytes : int
        Shared memory of a block.
    """

    kernel: str
    first: int
    count: int
    threads: int
    shared_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Steps, stages and places.

    Attributes
    ----------
    tensors : tuple of Tensor
        Those of the graph, and temporary ones.
    roots : dict of int to int
        Tensors that lie where another one lies.
    ports : tuple of int
        Tensors that come from the host or go there: `inputs` first.
    arena : dict of int to int
        Offsets of one sample's other activations, in global or in the block's shared memory.
    arena_bytes : int
    in_shared : bool
        The activations lie in shared memory.
    """

    tensors: tuple[Tensor, ...]
    steps: tuple[Step, ...]
    stages: tuple[Stage, ...]
    roots: dict[int, int]
    ports: tuple[int, ...]
    arena: dict[int, int]
    arena_bytes: int
    in_shared: bool

    @property
    def most_threads(self) -> int:
        """Threads that a sample can make use of in the widest stage."""
        return max((stage.threads for stage in self.stages), default=1)


def plan(graph: Graph, returned: Sequence[int], fuse: bool, shared_bytes: int) -> Program:
    """Plan a graph.

    Parameters
    ----------
    graph : Graph
        Validated.
    returned : sequence of int
        Tensors that are computed and go to the host.
    fuse : bool
        False: layer by layer.
    shared_bytes : int
        Shared memory that a block can have.

    Raises
    ------
    UnsupportedError
        Listing every node that no kernel takes, and why.
    """
    tensors = list(graph.tensors)
    steps = _lower(graph, tensors)
    shown = [_snapshot(tensors, steps, i) if i in graph.state else i for i in returned]
    ports = (*graph.inputs, *shown)
    roots = _roots(graph, steps, ports)
    steps = [step for step in steps if step.outputs[0] not in roots]
    places = {t: tensors[t].nbytes for t in range(len(tensors)) if _is_activation(tensors[t])}
    for port in ports:
        del places[port]
    if fuse and all(step.launch.kernel in network_kernels() for step in steps):
        arena, size = place(_spans(steps, range(len(steps)), roots, places), places)
        if size <= shared_bytes:
            whole = (Stage("network", 0, len(steps), 0, size),)
            return Program(tuple(tensors), tuple(steps), whole, roots, ports, arena, size, True)
    stages = _stages(steps, _pairs(steps, roots, ports, shared_bytes) if fuse else ())
    for stage in stages:
        if stage.count == 2:
            del places[steps[stage.first].outputs[0]]
    times = [time for time, stage in enumerate(stages) for _ in range(stage.count)]
    arena, size = place(_spans(steps, times, roots, places), places)
    return Program(tuple(tensors), tuple(steps), stages, roots, ports, arena, size, False)


def _is_activation(tensor: Tensor) -> bool:
    return tensor.data is None and tensor.reset_value is None


def _lower(graph: Graph, tensors: list[Tensor]) -> list[Step]:
    """Return the steps of all nodes; temporary tensors are appended."""
    steps: list[Step] = []
    refused = []
    for node in graph.nodes:
        try:
            steps += _steps_of(node, tensors)
        except UnsupportedError as error:
            refused.append(f"node '{node.name}' ({node.op}): {error}")
    if refused:
        raise UnsupportedError(
            "the form gpu cannot run this model: " + "; ".join(refused) + "; take --form host"
        )
    return steps


def _steps_of(node: Node, tensors: list[Tensor]) -> list[Step]:
    used = [tensors[i] for i in (*node.inputs, *node.outputs)]
    for tensor in used:
        if math.prod(tensor.shape) > MOST_VALUES:
            raise UnsupportedError(f"tensor '{tensor.name}' has more than {MOST_VALUES} values")
    count = len(node.inputs)
    launches = lowering.lower(node.op)(node.params, used[:count], used[count:])
    for launch in launches:
        if launch.threads > MOST_VALUES:
            raise UnsupportedError(f"one sample would need {launch.threads} threads")
    outputs, copies = list(node.outputs), []
    for number, index in enumerate(node.outputs):
        if index in node.inputs and node.op not in IN_PLACE:
            outputs[number] = _temporary(tensors, index)
            copies.append(_copy(tensors, outputs[number], index))
    steps = [
        Step(
            launch,
            tuple(node.inputs[i] for i in launch.inputs or range(count)),
            tuple(outputs[i] for i in launch.outputs or range(len(outputs))),
        )
        for launch in launches
    ]
    return steps + copies


def _temporary(tensors: list[Tensor], like: int) -> int:
    tensors.append(replace(tensors[like], reset_value=None))
    return len(tensors) - 1


def _copy(tensors: list[Tensor], source: int, target: int) -> Step:
    (launch,) = move(tensors[target], None)
    return Step(launch, (source,), (target,))


def _snapshot(tensors: list[Tensor], steps: list[Step], state: int) -> int:
    """Append a copy of a state as it is at the end; returns the copy."""
    copy = _temporary(tensors, state)
    steps.append(_copy(tensors, state, copy))
    return copy


def _roots(graph: Graph, steps: Sequence[Step], ports: Collection[int]) -> dict[int, int]:
    """Return outputs of plain copies that may lie where their inputs do."""
    roots: dict[int, int] = {}
    for step in steps:
        if step.launch.struct == "Move" and step.launch.values["index"] is None:
            source, target = step.inputs[0], step.outputs[0]
            known = [graph.tensors[i] for i in (source, target) if i < len(graph.tensors)]
            if len(known) == 2 and all(map(_is_activation, known)) and target not in ports:
                roots[target] = roots.get(source, source)
    return roots


def _spans(
    steps: Sequence[Step], times: Sequence[int], roots: dict[int, int], places: Collection[int]
) -> dict[int, tuple[int, int]]:
    """First and last time at which each tensor with a place is needed."""
    spans: dict[int, tuple[int, int]] = {}
    for step, time in zip(steps, times, strict=True):
        for index in (*step.inputs, *step.outputs):
            root = roots.get(index, index)
            if root in places:
                spans[root] = (spans.get(root, (time, time))[0], time)
    return spans


def _pairs(
    steps: Sequence[Step], roots: dict[int, int], ports: Collection[int], shared_bytes: int
) -> list[int]:
    """Return steps that fuse with the next: depthwise convolutions only read pixelwise."""
    uses = Counter(roots.get(i, i) for step in steps for i in step.inputs)
    return [
        index
        for index, (one, two) in enumerate(itertools.pairwise(steps))
        if (one.launch.kernel, two.launch.kernel) == ("depthwise_quads", "conv_matrix")
        and one.outputs == two.inputs
        and uses[one.outputs[0]] == 1
        and one.outputs[0] not in ports
        and _is_plain(two.launch.values)
        and _pair_bytes(one) <= shared_bytes
    ]


def _is_plain(conv: Values) -> bool:
    """Whether every output pixel reads the input pixel at its own place."""
    names = ("row_kind", "groups", "stride_h", "stride_w")
    return [conv[name] for name in names] == [PIXELS, 1, 1, 1]


def _pair_bytes(depthwise: Step) -> int:
    return FUSED_ROWS * (int(depthwise.launch.values["channels"]) + FUSED_SKEW)


def _stages(steps: Sequence[Step], pairs: Collection[int]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    index = 0
    while index < len(steps):
        launch = steps[index].launch
        if index in pairs:
            rows = math.prod(launch.values[name] for name in ("images", "out_h", "out_w"))
            threads = -(-rows // FUSED_ROWS) * THREADS
            stages.append(
                Stage("depthwise_pointwise", index, 2, threads, _pair_bytes(steps[index]))
            )
        else:
            threads = 0 if launch.takes_block else launch.threads
            stages.append(Stage(launch.kernel, index, 1, threads))
        index += stages[-1].count
    return tuple(stages)
