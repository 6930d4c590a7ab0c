"""Layers packed for the vectorized host kernels, as files for `simd_runner.c`.

What a kernel is given is a C structure and the memory that it points into. Both are copied; words
that hold an address of that memory are pointers. 64-bit machines with little-endian numbers lay
the structures out alike, so a layer packed here runs there.
"""

from __future__ import annotations

import ctypes
import struct
import subprocess
from pathlib import Path
from unittest import mock

import numpy as np
from qembed._host._simd import pretend

from qembed.backends.host import kernel_class
from qembed.ir import Graph

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "cython_src/simd").glob("*.c"))
RUNNER = Path(__file__).parent / "simd_runner.c"
KINDS = (
    "sums",
    "sums of words",
    "depthwise",
    "depthwise of words",
    "average",
    "max",
    "add",
    "mul",
)
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow"]
WARNINGS += ["-Wcast-qual", "-Wstrict-prototypes", "-Wundef", "-Werror", "-Wno-unused-function"]
GUARD = 256
"""Bytes between the pieces of an image, as vector loads may look over an end."""


def compile_runner(folder: Path, compiler: str, *flags: str) -> Path:
    program = folder / f"simd_runner-{Path(compiler).name}"
    command = [compiler, "-std=gnu11", "-O2", *WARNINGS, *flags, "-o", str(program)]
    subprocess.run([*command, str(RUNNER), *map(str, SOURCES), "-lm"], check=True)
    return program


def packed(isa: str, graph: Graph):
    """Kernel of the only node of a graph, packed for an instruction set; None: it has none."""
    (node,) = graph.nodes
    tensors = graph.tensors
    with mock.patch.multiple("qembed._host._simd", PRODUCTS_A_PART=1, VALUES_A_PART=1):
        pretend(isa)
        try:
            kernel = kernel_class(node.op)(
                node.params, [tensors[i] for i in node.inputs], [tensors[i] for i in node.outputs]
            )
        finally:
            pretend(None)
    return kernel if kernel.packed else None


def job(isa: str, kernel, inputs, output_bytes: int, batch: int, parts: int = 1) -> bytes:
    """One layer and a batch, as the runner reads it."""
    kind, address, size = kernel.packed
    pieces = [(address, size), *((m.ctypes.data, m.nbytes) for m in kernel.held)]
    image, places = bytearray(), {}
    for start, length in pieces:
        image += bytes((start - len(image)) % 64)  # what is aligned here is aligned there
        places[start] = len(image)
        image += ctypes.string_at(start, length) + bytes(GUARD)
    pointers = []
    for start, length in pieces:
        for at in range(places[start] + -start % 8, places[start] + length - 7, 8):
            (word,) = struct.unpack_from("<Q", image, at)
            for begin, bytes_ in pieces:
                if begin <= word < begin + bytes_:
                    struct.pack_into("<Q", image, at, places[begin] + word - begin)
                    pointers.append(at)
    sizes = [a.nbytes for a in inputs] + [0] * (2 - len(inputs))
    head = struct.pack(
        "<16s10q",
        isa.encode(),
        *(KINDS.index(kind), batch, parts),
        *(len(image), places[address], len(pointers)),
        *(*sizes, output_bytes, kernel.scratch_bytes),
    )
    return b"".join(
        [head, bytes(image), struct.pack(f"<{len(pointers)}q", *pointers)]
        + [np.ascontiguousarray(a).tobytes() for a in inputs]
    )
