"""The device kernels as a library of this machine, called through their lowerings.

The library is built once per session under the undefined-behaviour sanitizer; parameter structs
are laid out from the headers' own declarations, so that a lowering that names a member wrong, or
leaves one out, fails here. Every buffer lies between guard bytes.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import lower
from qembed.ir import Graph, Node, Tensor
from qembed.targets import Target

KERNELS = Path(__file__).parents[2] / "firmware_templates/kernels"
SANITIZE = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")
CFLAGS = ("-std=c99", "-O1", "-g", "-fPIC", "-shared", "-I", str(KERNELS / "include"))

TARGET = Target("native", "", "", (), (), ("portable",))
GUARD = 64

SCALARS = {
    "int8_t": ctypes.c_int8,
    "uint8_t": ctypes.c_uint8,
    "int16_t": ctypes.c_int16,
    "uint16_t": ctypes.c_uint16,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "float": ctypes.c_float,
}


def build(sources: Sequence[Path], *flags: str) -> ctypes.CDLL:
    """Compile C sources into a library of their own and load it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.so"
        command = ["gcc", *CFLAGS, *flags, *map(str, sources), "-o", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(path))


@functools.cache
def library(*flags: str) -> ctypes.CDLL:
    """All portable kernels."""
    return build(sorted((KERNELS / "src/portable").glob("*.c")), *SANITIZE, *flags)


@functools.cache
def structs() -> dict[str, type[ctypes.Structure]]:
    """Every struct that the kernels' headers declare, by name."""
    found: dict[str, type[ctypes.Structure]] = {}
    text = "\n".join(p.read_text() for p in sorted((KERNELS / "include").glob("*.h")))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    pending = {
        name: body for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, re.DOTALL)
    }
    while pending:
        ready = [n for n, body in pending.items() if _members_known(body, found)]
        if not ready:
            break  # what is left uses types that are no concern of kernels, such as callbacks
        for name in ready:
            members = _members(pending.pop(name), found)
            found[name] = type(name, (ctypes.Structure,), {"_fields_": members})
    return found


def _declarations(body: str) -> list[tuple[str, str]]:
    """(type, declarator) of every member."""
    members = []
    for line in filter(None, (part.strip() for part in body.split(";"))):
        match = re.fullmatch(r"((?:const )?\w+)\s+(.*)", line, re.DOTALL)
        if match is None:
            return [("?", line)]
        members += [(match[1].removeprefix("const "), d.strip()) for d in match[2].split(",")]
    return members


def _members_known(body: str, found: Mapping[str, type]) -> bool:
    return all(
        d.startswith("*") or ("(" not in d and (t in SCALARS or t in found))
        for t, d in _declarations(body)
    )


def _members(body: str, found: Mapping[str, type]) -> list[tuple[str, type]]:
    members = []
    for c_type, declarator in _declarations(body):
        name, _, size = declarator.lstrip("*").replace("const ", "").strip().partition("[")
        kind = SCALARS.get(c_type) or found.get(c_type)
        if declarator.startswith("*"):
            kind = ctypes.c_void_p
        if size:
            kind = kind * int(size.rstrip("]"))
        members.append((name, kind))
    return members


class Buffer:
    """An array in memory of its own, between guards; aligned to its element and not more."""

    def __init__(self, content: np.ndarray) -> None:
        size = content.dtype.itemsize
        self.memory = np.full(content.nbytes + 2 * GUARD + 64, 0xA5, np.uint8)
        self.start = -self.memory.ctypes.data % 64 + GUARD + (size if size < 8 else 0)
        inside = self.memory[self.start : self.start + content.nbytes]
        self.array = inside.view(content.dtype).reshape(content.shape)
        self.array[...] = content

    @property
    def address(self) -> int:
        return self.memory.ctypes.data + self.start

    def check(self, what: str) -> None:
        """Fail if a byte outside the array was written."""
        outside = np.ones(self.memory.size, bool)
        outside[self.start : self.start + self.array.nbytes] = False
        assert (self.memory[outside] == 0xA5).all(), f"wrote outside {what}"


def _fill(struct: ctypes.Structure, fields: Mapping, keep: list[Buffer]) -> None:
    """Set the members of a struct; arrays go into buffers that the caller keeps alive."""
    names = [name for name, _ in struct._fields_]
    assert list(fields) == names, f"{type(struct).__name__} has {names}, not {list(fields)}"
    for name, value in fields.items():
        if isinstance(value, Mapping):
            _fill(getattr(struct, name), value, keep)
        elif isinstance(value, tuple):
            setattr(struct, name, type(getattr(struct, name))(*value))
        elif isinstance(value, CArray):
            wanted = np.dtype(SCALARS[value.c_type])
            content = np.ascontiguousarray(value.values)
            assert content.dtype == wanted, f"{value.suffix}: {content.dtype} is no {value.c_type}"
            keep.append(Buffer(content))
            setattr(struct, name, keep[-1].address)
        else:
            setattr(struct, name, value)


def _pointers(buffers: Sequence[Buffer], as_array: bool) -> list:
    addresses = [ctypes.c_void_p(b.address) for b in buffers]
    return [(ctypes.c_void_p * len(addresses))(*addresses)] if as_array else addresses


def call(
    lowering: Lowering, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], lib=None
) -> list[np.ndarray]:
    """Run one kernel once.

    `outputs` are what the buffers hold before, and become after. A buffer that is both (state) is
    the same object in both lists.
    """
    constants: list[Buffer] = []
    params = structs()[lowering.params_type]()
    _fill(params, lowering.fields, constants)
    held = {id(a): Buffer(a) for a in (*inputs, *outputs)}
    scratch = Buffer(np.full(lowering.scratch_bytes // 4 + 1, 0x55555555, np.uint32))
    arguments = [
        ctypes.byref(params),
        *_pointers([held[id(a)] for a in inputs], lowering.inputs_as_array),
        *_pointers([held[id(a)] for a in outputs], lowering.outputs_as_array),
    ]
    if lowering.scratch_bytes:
        arguments.append(ctypes.c_void_p(scratch.address))
    before = [a.copy() for a in inputs]
    function = getattr(lib or library(), lowering.function)
    function.restype = None
    function(*arguments)

    for buffer in (*held.values(), *constants, scratch):
        buffer.check(lowering.function)
    written = {id(a) for a in outputs}
    for array, old in zip(inputs, before, strict=True):
        if id(array) not in written:
            assert held[id(array)].array.tobytes() == old.tobytes(), "an input was overwritten"
    return [held[id(a)].array for a in outputs]


def run_node(graph: Graph, node: Node, values: dict[int, np.ndarray], lib=None) -> None:
    """Run one node: in buffers of its own, then again over each input that it may overwrite."""
    lowering = lower(node, graph, TARGET)
    inputs = [values[i] for i in node.inputs]
    outputs = [values.get(i, _noise(graph.tensors[i])) for i in node.outputs]
    results = call(lowering, inputs, outputs, lib)
    for position in lowering.in_place:
        if node.inputs[position] not in node.outputs:
            _check_in_place(lowering, position, inputs, outputs, results, lib)
    values |= {i: result.copy() for i, result in zip(node.outputs, results, strict=True)}


def _check_in_place(lowering, position, inputs, outputs, results, lib) -> None:
    output = outputs[0]
    assert inputs[position].nbytes == output.nbytes, f"{lowering.function}: in place, other size"
    shared = inputs[position].reshape(-1).copy().view(output.dtype).reshape(output.shape)
    changed = [shared if i == position else x for i, x in enumerate(inputs)]
    again = call(lowering, changed, [shared, *outputs[1:]], lib)
    assert again[0].tobytes() == results[0].tobytes(), f"{lowering.function}: wrong in place"


def _noise(tensor: Tensor) -> np.ndarray:
    """What an output buffer holds before: nothing that a kernel should rely on."""
    seed = int(hashlib.sha256(repr(tensor.shape).encode()).hexdigest()[:8], 16)
    raw = np.random.default_rng(seed).integers(0, 256, tensor.nbytes, np.uint8)
    return raw.view(tensor.dtype).reshape(tensor.shape)


def run(graph: Graph, inputs: Sequence[np.ndarray], lib=None) -> tuple[np.ndarray, ...]:
    """Run a batch through the kernels, node by node; returns one array per output."""
    state = {
        i: np.full(graph.tensors[i].shape, graph.tensors[i].reset_value, graph.tensors[i].dtype)
        for i in graph.state
    }
    constants = {i: t.data for i, t in enumerate(graph.tensors) if t.data is not None}
    steps = []
    for sample in zip(*inputs, strict=True):
        values = constants | state | dict(zip(graph.inputs, sample, strict=True))
        for node in graph.nodes:
            run_node(graph, node, values, lib)
        state = {i: values[i] for i in graph.state}
        steps.append([values[i] for i in graph.outputs])
    return tuple(np.stack(column) for column in zip(*steps, strict=True))
