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
static void (*hook)(uint32_t, const void *, uint32_t);
void observe(void (*function)(uint32_t, const void *, uint32_t)) { hook = function; }
void qe_layer_done(uint32_t layer, const void *data, uint32_t bytes) { hook(layer, data, bytes); }
"""

Hook = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)


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

    def array(self, address: int, index: int) -> np.ndarray:
        """Value of a tensor that lies at an address, in whatever storage order."""
        tensor = self.graph.tensors[index]
        stored = np.frombuffer(ctypes.string_at(address, tensor.nbytes), tensor.dtype)
        order = self.sources.orders.get(index, "nhwc")
        return from_storage(stored, tensor.shape, order).reshape(tensor.shape)

    def step(self, sample: Sequence[np.ndarray]) -> tuple[list[np.ndarray], dict[int, np.ndarray]]:
        """One inference: its outputs, and the output of each layer by tensor index."""
        seen: list[np.ndarray] = []

        def done(layer, data, size):
            index = self.sources.plan.layers[layer].tensor
            assert layer == len(seen), "layers out of order"
            assert size == self.graph.tensors[index].nbytes
            seen.append(self.array(data, index))

        hook = Hook(done)
        self.library.observe(hook)
        for i, array in enumerate(sample):
            ctypes.memmove(
                self.function("input", ctypes.c_void_p)(i), _address(array), array.nbytes
            )
        assert self.function("invoke")() == 0
        outputs = [
            self.array(self.function("output", ctypes.c_void_p)(i), index)
            for i, index in enumerate(self.graph.outputs)
        ]
        assert len(seen) == len(self.sources.plan.layers)
        layers = zip(self.sources.plan.layers, seen, strict=True)
        return outputs, {layer.tensor: array for layer, array in layers}


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
