"""Exported models as libraries of this machine, every layer's output in the test's hands."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qembed.export import ModelSources, model_sources
from qembed.ir import Graph
from qembed.plan.layout import from_storage
from qembed.targets import load_target

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion"]
STRICT += ["-Wshadow", "-Wcast-qual", "-Wstrict-prototypes", "-Wundef", "-Werror"]

# Hands each layer's output to a function that the test sets.
OBSERVER = b"""
#include "qe_model.h"
static void (*hook)(uint32_t, const void *, uint32_t, uint32_t, uint32_t);
void observe(void (*function)(uint32_t, const void *, uint32_t, uint32_t, uint32_t))
{
    hook = function;
}
void qe_layer_done(uint32_t layer, const void *data, uint32_t bytes)
{
    hook(layer, data, bytes, 0, 1);
}
void qe_layer_row(uint32_t layer, const void *data, uint32_t bytes, uint32_t row, uint32_t rows)
{
    hook(layer, data, bytes, row, rows);
}
"""

Hook = ctypes.CFUNCTYPE(None, *[ctypes.c_uint32, ctypes.c_void_p], *[ctypes.c_uint32] * 3)


def write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def compile_c(folder: Path, *arguments: str, compiler: str = "gcc") -> None:
    """Run a compiler in a folder; its complaints are the test's."""
    command = [compiler, *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Exported:
    """A model that runs in this process."""

    graph: Graph
    sources: ModelSources
    library: ctypes.CDLL
    arena: np.ndarray

    def function(self, name: str, result=ctypes.c_int):
        found = getattr(self.library, f"{self.sources.prefix}_{name}")
        found.restype = result
        return found

    def init(self) -> None:
        assert self.function("init")(_address(self.arena), self.sources.plan.arena_bytes) == 0

    def array(self, content: bytes, index: int) -> np.ndarray:
        """Value of a tensor from its bytes, in whatever storage order."""
        tensor = self.graph.tensors[index]
        stored = np.frombuffer(content, tensor.dtype)
        order = self.sources.orders.get(index, "nhwc")
        return from_storage(stored, tensor.shape, order).reshape(tensor.shape)

    def step(self, sample: Sequence[np.ndarray]) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
        """One inference: its outputs, and the output of each layer by tensor index."""
        plan = self.sources.plan
        seen: dict[int, list[bytes]] = {}

        def done(layer, data, size, row, rows):
            if size == 0:
                return  # a step whose output is told of later
            pieces = seen.setdefault(layer, [])
            assert plan.stream or row or len(seen) == layer + 1, "layers out of order"
            assert len(pieces) == row < rows, "rows out of order"
            pieces.append(ctypes.string_at(data, size))

        hook = Hook(done)
        self.library.observe(hook)
        if plan.stream and plan.stream.schedule.pushed:
            self._push(sample[0])
        else:
            for i, array in enumerate(sample):
                ctypes.memmove(
                    self.function("input", ctypes.c_void_p)(i), _address(array), array.nbytes
                )
            assert self.function("invoke")() == 0
        outputs = [self.array(self._output(i), index) for i, index in enumerate(self.graph.outputs)]
        assert sorted(seen) == list(range(len(plan.layers)))
        arrays = {
            plan.layers[layer].tensor: self.array(b"".join(pieces), plan.layers[layer].tensor)
            for layer, pieces in seen.items()
        }
        return outputs, arrays

    def _push(self, array: np.ndarray) -> None:
        """Hand the input over row by row."""
        content = np.ascontiguousarray(array).tobytes()
        rows = array.shape[1]
        size = len(content) // rows
        for row in range(rows):
            place = self.function("input_row", ctypes.c_void_p)()
            ctypes.memmove(place, content[row * size : (row + 1) * size], size)
            assert self.function("push_row")() == (row < rows - 1)  # QE_MORE, at last QE_OK

    def _output(self, i: int) -> bytes:
        index = self.graph.outputs[i]
        address = self.function("output", ctypes.c_void_p)(i)
        return ctypes.string_at(address, self.graph.tensors[index].nbytes)


def build(graph: Graph, *flags: str, sources: ModelSources | None = None) -> Exported:
    """Export for this machine, compile, load and initialize; the arena starts as noise."""
    sources = sources or model_sources(graph, load_target("native"))
    return build_all([(graph, sources)], *flags)[0]


def build_all(models: Sequence[tuple[Graph, ModelSources]], *flags: str) -> list[Exported]:
    """Compile models of different prefixes into one library, so that they share the kernels."""
    files = {name: text for _, sources in models for name, text in sources.files.items()}
    compiled = sorted({name for _, sources in models for name in sources.sources})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write({**files, "observer.c": OBSERVER}, folder)
        includes = [f"-I{path}" for path in models[0][1].include_dirs]
        compile_c(
            folder,
            *("-std=c99", "-O1", "-fPIC", "-shared", "-DQE_OBSERVE", *includes, *flags),
            *("observer.c", *compiled, "-o", "model.so"),
        )
        library = ctypes.CDLL(str(folder / "model.so"))
    made = [Exported(graph, sources, library, _noise(sources)) for graph, sources in models]
    for exported in made:
        exported.init()
    return made


def _noise(sources: ModelSources) -> np.ndarray:
    """An arena, aligned, between bytes of no one."""
    noise = np.random.default_rng(0).integers(0, 256, sources.plan.arena_bytes + 64, np.uint8)
    start = -noise.ctypes.data % 64
    return noise[start : start + sources.plan.arena_bytes]


def random_inputs(graph: Graph, count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """A batch of uniform inputs."""
    rng = np.random.default_rng(seed)
    arrays = []
    for index in graph.inputs:
        tensor = graph.tensors[index]
        shape = (count, *tensor.shape)
        if tensor.dtype == "float32":
            arrays.append(rng.normal(0, 3, shape).astype(np.float32))
        else:
            limits = np.iinfo(tensor.dtype)
            arrays.append(rng.integers(limits.min, limits.max, shape, tensor.dtype, endpoint=True))
    return tuple(arrays)


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(np.ascontiguousarray(array).ctypes.data)
