"""Run a graph with the compiled host kernels: fast, in batches, byte-equal to the reference."""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from qembed._host.executor import Executor, Memory
from qembed.backends.arena import place
from qembed.ir import AnyArray, Graph
from qembed.ops import OPERATORS

BLOCK_BYTES = 48 << 10
"""Samples go through the layers in blocks whose activations take about this much: small enough
for the first-level cache, enough rows for a matrix product where samples are small."""
MOST_BLOCK = 64


@functools.cache
def kernel_class(op: str) -> Any:
    """Host kernel of an operator: class ``<Params>Kernel`` of module ``qembed._host.<stem>``.

    Modules are loaded as models need them.
    """
    module = importlib.import_module(f"qembed._host.{op}")
    return getattr(module, f"{OPERATORS[op].params.__name__}Kernel")


class HostModel:
    """A graph planned for the host: made once, run many times, from any number of threads.

    Parameters
    ----------
    graph : Graph
        Validated.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._kernels = [
            kernel_class(node.op)(
                node.params,
                [graph.tensors[i] for i in node.inputs],
                [graph.tensors[i] for i in node.outputs],
            )
            for node in graph.nodes
        ]
        self._state = {i: Memory(graph.tensors[i].nbytes) for i in graph.state}
        self._state_lock = threading.Lock()
        written = {i for node in graph.nodes for i in node.outputs} | set(graph.state)
        self._computed = [i for i in dict.fromkeys(graph.outputs) if i in written]
        self._is_direct = tuple(self._computed) == graph.outputs
        self._executor = self._plan(self._computed)
        self._tracer: Executor | None = None
        self.reset()

    def run(
        self, inputs: AnyArray | Sequence[AnyArray], threads: int = 1, keep_state: bool = False
    ) -> tuple[AnyArray, ...]:
        """Run a batch.

        Parameters
        ----------
        inputs : ndarray, or sequence of ndarray
            One per graph input: the tensor's dtype, shape (B, *shape). Not copied if C-contiguous.
        threads : int
            Workers that share the samples. A model with state has one.
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
        """
        if self._state:
            with self._state_lock:
                if not keep_state:
                    self.reset()
                results = self._executor.run(inputs, min(threads, 1))
        else:
            results = self._executor.run(inputs, threads)
        if self._is_direct:
            # The compiled executor has no types.
            return results  # type: ignore[no-any-return]
        return self._assemble(inputs, dict(zip(self._computed, results, strict=True)))

    def reset(self) -> None:
        """Set all state to its reset value."""
        for index, memory in self._state.items():
            tensor = self.graph.tensors[index]
            memory.view(tensor.nbytes).view(tensor.dtype)[:] = tensor.reset_value

    def trace(
        self, inputs: AnyArray | Sequence[AnyArray], keep_state: bool = False
    ) -> dict[int, AnyArray]:
        """Run a batch and return every tensor that is not a constant, by index, (B, *shape).

        Parameters and errors are those of `run`.
        """
        indices = [
            *self._state,
            *(i for node in self.graph.nodes for i in node.outputs if i not in self._state),
        ]
        with self._state_lock:
            if self._tracer is None:
                self._tracer = self._plan(indices)
            if not keep_state:
                self.reset()
            results = self._tracer.run(inputs, 1)
        arrays = (inputs,) if isinstance(inputs, np.ndarray) else inputs
        traced = {i: a.copy() for i, a in zip(self.graph.inputs, arrays, strict=True)}
        return traced | dict(zip(indices, results, strict=True))

    def profile(self, inputs: AnyArray | Sequence[AnyArray]) -> list[float]:
        """Run a batch in one thread and return the seconds that each node took, in order.

        `inputs` and errors are those of `run`.
        """
        with self._state_lock:
            self.reset()
            # The compiled executor has no types.
            return self._executor.profile(inputs)  # type: ignore[no-any-return]

    def _assemble(
        self, inputs: AnyArray | Sequence[AnyArray], results: dict[int, AnyArray]
    ) -> tuple[AnyArray, ...]:
        """Graph outputs, where some are inputs, constants or listed twice."""
        arrays = (inputs,) if isinstance(inputs, np.ndarray) else inputs
        given = dict(zip(self.graph.inputs, arrays, strict=True))
        batch = len(arrays[0])
        outputs: list[AnyArray] = []
        for index in self.graph.outputs:
            data = self.graph.tensors[index].data
            if data is not None:
                outputs.append(np.repeat(data[None], batch, axis=0))
            else:
                outputs.append((results | given)[index].copy())
        return tuple(outputs)

    def _plan(self, returned: Sequence[int]) -> Executor:
        """Executor that returns the tensors `returned`; the other activations share an arena."""
        graph = self.graph
        ports = {index: number for number, index in enumerate((*graph.inputs, *returned))}
        offsets, arena_bytes = _place(graph, set(ports))
        moved = arena_bytes + sum(graph.tensors[i].nbytes for i in ports)
        block = 1 if self._state else min(MOST_BLOCK, max(1, BLOCK_BYTES // moved))

        def value(index: int) -> tuple[str, Any, int]:
            tensor = graph.tensors[index]
            if tensor.data is not None:
                memory = Memory(tensor.nbytes * block)
                whole = memory.view(tensor.nbytes * block).view(tensor.dtype)
                whole.reshape(block, *tensor.shape)[:] = tensor.data
                return "fixed", memory, tensor.nbytes
            if index in self._state:
                return "fixed", self._state[index], tensor.nbytes
            if index in ports:
                return "port", ports[index], tensor.nbytes
            return "arena", offsets.get(index, 0) * block, tensor.nbytes

        return Executor(
            self._kernels,
            [(node.inputs, node.outputs) for node in graph.nodes],
            [value(index) for index in range(len(graph.tensors))],
            [(t.name, t.dtype, t.shape) for t in (graph.tensors[i] for i in ports)],
            len(graph.inputs),
            block,
            arena_bytes * block,
            [(index, ports[index]) for index in self._state if index in ports],
        )


def _place(graph: Graph, elsewhere: set[int]) -> tuple[dict[int, int], int]:
    """Arena offsets of one sample's activations, and the size of the arena."""
    spans: dict[int, tuple[int, int]] = {}
    for step, node in enumerate(graph.nodes):
        for index in (*node.inputs, *node.outputs):
            if (
                graph.tensors[index].data is None
                and graph.tensors[index].reset_value is None
                and index not in elsewhere
            ):
                spans[index] = (spans.get(index, (step, step))[0], step)
    return place(spans, {i: graph.tensors[i].nbytes for i in spans})
