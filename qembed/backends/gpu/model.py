"""Run a graph on a GPU: in batches as large as its memory allows, byte-equal to the reference."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.backends.gpu.device import THREADS, Gpu, OutOfDeviceMemory, gpu
from qembed.backends.gpu.program import plan
from qembed.backends.gpu.records import Blob, layout
from qembed.backends.gpu.source import network_kernels
from qembed.errors import InputError, ToolError
from qembed.ir import AnyArray, Graph

MOST_BATCH = 1 << 16
LEAST_BATCH = 256
"""Samples below which a launch costs more than it computes."""
SHARE_OF_MEMORY = 0.8
"""Of what is free; others may want some."""
MOST_ITEMS = (1 << 31) - 1
"""Threads' worth of work in one launch: counted in 32 bits."""
ALIGNMENT = 256


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A program in device memory, for up to `batch` samples.

    Attributes
    ----------
    batch : int
    is_most : bool
        There is no room for more.
    memory : object
        One allocation for everything.
    steps : int
        Address of the step records.
    ports : dict of int to int
        Where the samples of a port begin in it.
    """

    batch: int
    is_most: bool
    memory: Any
    steps: int
    ports: dict[int, int]


class GpuModel:
    """A graph planned for the GPU: made once, run many times, by one thread at a time.

    Parameters
    ----------
    graph : Graph
        Validated.
    fuse : bool
        False: one launch for each kernel.

    Raises
    ------
    ToolError
        If no GPU can be used.
    UnsupportedError
        If a node has no kernel.
    """

    def __init__(self, graph: Graph, fuse: bool = True) -> None:
        self.graph = graph
        self._gpu = gpu()
        self._fuse = fuse
        self._lock = threading.Lock()
        written = {i for node in graph.nodes for i in node.outputs} | set(graph.state)
        self._computed = [i for i in dict.fromkeys(graph.outputs) if i in written]
        self._runner = _Runner(self._gpu, graph, self._computed, fuse)
        self._tracer: _Runner | None = None
        self._state = self._allocate_state()
        self.reset()

    def run(
        self, inputs: AnyArray | Sequence[AnyArray], threads: int = 1, keep_state: bool = False
    ) -> tuple[AnyArray, ...]:
        """Run a batch of any size.

        Parameters
        ----------
        inputs : ndarray, or sequence of ndarray
            One per graph input: the tensor's dtype, shape (B, *shape).
        threads : int
            Of the caller's, as `HostModel` takes them: none are needed here.
        keep_state : bool
            False: state starts from its reset value. True: from where the last run left it.

        Returns
        -------
        tuple of ndarray
            One per graph output, (B, *shape).

        Raises
        ------
        InputError
            Naming the input that does not fit.
        ToolError
            If the GPU fails, or has no memory for a single sample.
        """
        arrays = _checked(self.graph, inputs)
        results = self._run(self._runner, arrays, keep_state)
        values = dict(zip(self._computed, results, strict=True))
        values |= dict(zip(self.graph.inputs, arrays, strict=True))
        return tuple(self._output(index, values, len(arrays[0])) for index in self.graph.outputs)

    def trace(
        self, inputs: AnyArray | Sequence[AnyArray], keep_state: bool = False
    ) -> dict[int, AnyArray]:
        """Run a batch and return every tensor that is not a constant, by index, (B, *shape).

        Parameters and errors are those of `run`.
        """
        arrays = _checked(self.graph, inputs)
        nodes = (i for node in self.graph.nodes for i in node.outputs)
        indices = list(dict.fromkeys((*self.graph.state, *nodes)))
        with self._lock:
            if self._tracer is None:
                self._tracer = _Runner(self._gpu, self.graph, indices, fuse=False)
        results = self._run(self._tracer, arrays, keep_state)
        traced = {i: a.copy() for i, a in zip(self.graph.inputs, arrays, strict=True)}
        return traced | dict(zip(indices, results, strict=True))

    def reset(self) -> None:
        """Set all state to its reset value."""
        with self._gpu.sentences():
            for index, memory in self._state.items():
                tensor = self.graph.tensors[index]
                self._gpu.upload(memory, 0, np.full(tensor.shape, tensor.reset_value, tensor.dtype))

    def _allocate_state(self) -> dict[int, Any]:
        with self._gpu.sentences():
            try:
                return {
                    i: self._gpu.allocate(self.graph.tensors[i].nbytes) for i in self.graph.state
                }
            except OutOfDeviceMemory:
                raise ToolError(f"{self._gpu.name} has no memory for the model's state") from None

    def _run(self, runner: _Runner, arrays: Sequence[AnyArray], keep_state: bool) -> list[AnyArray]:
        with self._lock, self._gpu.sentences():
            if not keep_state:
                self.reset()
            return runner.run(arrays, {i: int(m.ptr) for i, m in self._state.items()})

    def _output(self, index: int, values: dict[int, AnyArray], count: int) -> AnyArray:
        data = self.graph.tensors[index].data
        if data is not None:
            return np.repeat(data[None], count, axis=0)
        return values[index].copy()


class _Runner:
    """A program and the device memory it runs in."""

    def __init__(self, device: Gpu, graph: Graph, returned: Sequence[int], fuse: bool) -> None:
        self._gpu = device
        self._graph = graph
        self._program = plan(graph, returned, fuse, device.shared_bytes)
        self._blob = Blob()
        self._records = [
            self._blob.record(step.launch.struct, step.launch.values)
            for step in self._program.steps
        ]
        self._constants = {
            i: self._blob.array(t.data) for i, t in enumerate(graph.tensors) if t.data is not None
        }
        self._loaded: Loaded | None = None

    def run(self, arrays: Sequence[AnyArray], state: dict[int, int]) -> list[AnyArray]:
        """Return one array for each port behind the inputs; `state`: addresses."""
        program, count = self._program, len(arrays[0])
        ports = program.ports[len(arrays) :]
        results = [
            np.empty((count, *program.tensors[i].shape), program.tensors[i].dtype) for i in ports
        ]
        start = 0
        while start < count:
            loaded = self._load(count - start, state)
            size = min(loaded.batch, count - start)
            part = slice(start, start + size)
            for port, array in zip(program.ports, arrays, strict=False):
                self._gpu.upload(loaded.memory, loaded.ports[port], array[part])
            self._launch(loaded, size)
            for port, result in zip(ports, results, strict=True):
                self._gpu.download(loaded.memory, loaded.ports[port], result[part])
            start += size
        return results

    def _launch(self, loaded: Loaded, size: int) -> None:
        """Run all stages: over all samples, or sample by sample where these are steps in time."""
        program, size_of_step = self._program, layout("Step").itemsize
        whole = not self._graph.state or program.in_shared
        for first, batch in [(0, size)] if whole else [(i, 1) for i in range(size)]:
            for stage in program.stages:
                blocks = -(-batch * stage.threads // THREADS) if stage.threads else batch
                self._gpu.launch(
                    stage.kernel,
                    1 if self._graph.state and not stage.threads else blocks,
                    stage.shared_bytes,
                    loaded.steps + stage.first * size_of_step,
                    stage.count,
                    first,
                    batch,
                )

    def _load(self, count: int, state: dict[int, int]) -> Loaded:
        """Return the program in memory for as many of `count` samples as there is room for."""
        if self._loaded is not None and (self._loaded.is_most or self._loaded.batch >= count):
            return self._loaded
        self._loaded = None  # first give back what it holds
        batch = self._fitting(count)
        while self._loaded is None:
            try:
                self._loaded = self._placed(batch, batch < count, state)
            except OutOfDeviceMemory:
                if batch == 1:
                    raise ToolError(
                        f"{self._gpu.name} has {self._gpu.free_bytes()} bytes of memory left, and "
                        f"one sample of this model needs {self._sizes(1)[-1]}; free some, or take "
                        "--form host"
                    ) from None
                batch //= 2
        return self._loaded

    def _fitting(self, count: int) -> int:
        """Return how many samples at once memory has room for, and in many launches the cache."""
        fixed, each = self._sizes(0)[-1], self._sizes(1)[-1] - self._sizes(0)[-1]
        room = int(SHARE_OF_MEMORY * self._gpu.free_bytes()) - fixed
        by_layer = len(self._program.stages) > 1
        cached = max(LEAST_BATCH, self._gpu.cache_bytes // each) if by_layer else MOST_BATCH
        items = MOST_ITEMS // max(1, self._program.most_threads)
        return max(1, min(count, room // each, cached, items, MOST_BATCH))

    def _sizes(self, batch: int) -> list[int]:
        """Where parameters, steps, arena and each port begin, and the size of it all."""
        program = self._program
        samples = 1 if self._graph.state else batch
        parts = [
            self._blob.size,
            layout("Step").itemsize * len(program.steps),
            0 if program.in_shared else program.arena_bytes * samples,
            *(program.tensors[i].nbytes * batch for i in program.ports),
        ]
        return list(
            itertools.accumulate((-(-n // ALIGNMENT) * ALIGNMENT for n in parts), initial=0)
        )

    def _placed(self, batch: int, is_most: bool, state: dict[int, int]) -> Loaded:
        """Allocate and fill device memory for a batch."""
        _, steps_at, arena_at, *ports_at, total = self._sizes(batch)
        memory = self._gpu.allocate(total)
        base = int(memory.ptr)
        ports = dict(zip(self._program.ports, ports_at, strict=True))
        samples = 1 if self._graph.state else batch
        steps = np.zeros(len(self._program.steps), layout("Step"))
        for made, step, record in zip(steps, self._program.steps, self._records, strict=True):
            made["params"] = base + record
            made["kernel"] = network_kernels().get(step.launch.kernel, 0)
            for field, tensors in (("in", step.inputs), ("out", step.outputs)):
                for slot, index in enumerate(tensors):
                    made[field][slot] = self._operand(
                        index,
                        base,
                        {i: base + at for i, at in ports.items()} | state,
                        base + arena_at,
                        samples,
                    )
        self._gpu.upload(memory, 0, self._blob.bytes_at(base))
        self._gpu.upload(memory, steps_at, steps)
        return Loaded(batch, is_most, memory, base + steps_at, ports)

    def _operand(
        self, index: int, base: int, elsewhere: dict[int, int], arena: int, samples: int
    ) -> tuple[int, int, int]:
        """Values of a `struct Operand`: address, distance of the samples, whether it is shared."""
        program = self._program
        index = program.roots.get(index, index)
        values = math.prod(program.tensors[index].shape)
        if index in self._constants:
            return base + self._constants[index], 0, 0
        if index in elsewhere:
            return elsewhere[index], 0 if index in self._graph.state else values, 0
        offset = program.arena.get(index, 0)  # none if it stays within a fused stage
        if program.in_shared:
            return offset, 0, 1
        return arena + offset * samples, 0 if self._graph.state else values, 0


def _checked(graph: Graph, inputs: AnyArray | Sequence[AnyArray]) -> list[AnyArray]:
    """Return the inputs as C-contiguous arrays; refuse what does not fit."""
    arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
    if len(arrays) != len(graph.inputs):
        raise InputError(f"the model has {len(graph.inputs)} inputs, {len(arrays)} were given")
    for index, array in zip(graph.inputs, arrays, strict=True):
        tensor = graph.tensors[index]
        want = f"{tensor.dtype}[{', '.join(['B', *map(str, tensor.shape)])}]"
        if not isinstance(array, np.ndarray):
            raise InputError(
                f"input '{tensor.name}' is a {type(array).__name__}, must be a NumPy array {want}"
            )
        if array.dtype != tensor.dtype or array.shape[1:] != tensor.shape or not len(array):
            raise InputError(
                f"input '{tensor.name}' is {array.dtype.name}{list(array.shape)}, must be {want} "
                "with at least one sample"
            )
        if len(array) != len(arrays[0]):
            raise InputError(
                f"input '{tensor.name}' has {len(array)} samples, the first one {len(arrays[0])}"
            )
        if tensor.dtype == "float32" and bool(np.isnan(array).any()):
            raise InputError(f"input '{tensor.name}' holds NaN, which has no integer")
    return [np.ascontiguousarray(array) for array in arrays]
