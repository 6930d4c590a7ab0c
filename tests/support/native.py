"""The device kernels as a library of this machine, called through their lowerings.

The library is built once per session under the undefined-behaviour sanitizer; parameter structs
are laid out from the headers' own declarations, so that a lowering that names a member wrong, or
leaves one out, fails here. Every buffer lies between guard bytes.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import hashlib
import itertools
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import candidates
from qembed.ir import Graph, Node, Tensor
from qembed.plan.layout import Order, from_storage, to_storage
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
def library(*flags: str, variant: str = "portable") -> ctypes.CDLL:
    """All kernels of one variant, and the portable ones."""
    folders = sorted({"portable", variant.partition("_")[0]})
    sources = [path for folder in folders for path in (KERNELS / "src" / folder).glob("*.c")]
    return build(sorted(sources), *SANITIZE, *flags)


def target_of(variant: str) -> Target:
    """A target that prefers this variant."""
    return dataclasses.replace(TARGET, variants=tuple(dict.fromkeys((variant, "portable"))))


@functools.cache
def structs() -> dict[str, type[ctypes.Structure]]:
    """Every struct that the kernels' headers declare, by name."""
    found: dict[str, type[ctypes.Structure]] = {}
    text = "\n".join(p.read_text() for p in sorted((KERNELS / "include").glob("*.h")))
    text = re.sub(r"/\*.*?\*/|\bQE_ROM ", "", text, flags=re.DOTALL)
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

    patterns = itertools.cycle(range(1, 256, 3))  # a guard copied to another one is seen, too

    def __init__(self, content: np.ndarray, alignment: int | None = None) -> None:
        size = alignment or content.dtype.itemsize
        self.guard = next(self.patterns)
        self.memory = np.full(content.nbytes + 2 * GUARD + 64, self.guard, np.uint8)
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
        assert (self.memory[outside] == self.guard).all(), f"wrote outside {what}"


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


def _pointers(addresses: Sequence[int], as_array: bool) -> list:
    pointers = [ctypes.c_void_p(address) for address in addresses]
    return [(ctypes.c_void_p * len(pointers))(*pointers)] if as_array else pointers


def invoke(lowering: Lowering, inputs: Sequence[int], outputs: Sequence[int], lib=None) -> None:
    """Call a kernel with these addresses, and guards around scratch and constants."""
    constants: list[Buffer] = []
    params = structs()[lowering.params_type]()
    _fill(params, lowering.fields, constants)
    scratch = Buffer(np.full(-(-lowering.scratch_bytes // 4), 0x55555555, np.uint32))
    arguments = [
        ctypes.byref(params),
        *_pointers(inputs, lowering.inputs_as_array),
        *_pointers(outputs, lowering.outputs_as_array),
    ]
    if lowering.scratch_bytes:
        arguments.append(ctypes.c_void_p(scratch.address))
    function = getattr(lib or library(variant=lowering.variant), lowering.function)
    function.restype = None
    function(*arguments)
    for buffer in (*constants, scratch):
        buffer.check(lowering.function)


def call(
    lowering: Lowering, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], lib=None
) -> list[np.ndarray]:
    """Run one kernel once.

    `outputs` are what the buffers hold before, and become after. A buffer that is both (state) is
    the same object in both lists.
    """
    held = {id(a): Buffer(a) for a in (*inputs, *outputs)}
    before = [a.copy() for a in inputs]
    addresses = [[held[id(a)].address for a in of] for of in (inputs, outputs)]
    invoke(lowering, *addresses, lib)
    for buffer in held.values():
        buffer.check(lowering.function)
    written = {id(a) for a in outputs}
    for array, old in zip(inputs, before, strict=True):
        if id(array) not in written:
            assert held[id(array)].array.tobytes() == old.tobytes(), "an input was overwritten"
    return [held[id(a)].array for a in outputs]


def run_node(
    graph: Graph, node: Node, values: dict[int, np.ndarray], lib=None, variant: str = "portable"
) -> None:
    """Run one node in every storage order: in buffers of its own, and over its inputs."""
    found = [
        _run_lowering(graph, node, values, lowering, lib)
        for lowering in candidates(node, graph, target_of(variant)).values()
    ]
    for other in found[1:]:
        for ours, theirs in zip(other, found[0], strict=True):
            assert ours.tobytes() == theirs.tobytes(), f"node '{node.name}': storage orders differ"
    values |= dict(zip(node.outputs, found[0], strict=True))


def _run_lowering(graph, node, values, lowering, lib) -> list[np.ndarray]:
    """Bring values into storage order, run, check in-place forms; return NHWC outputs."""
    of = lowering.orders
    shapes = [graph.tensors[i].shape for i in node.outputs]
    inputs = [stored(graph, values, i, of.inputs) for i in node.inputs]
    outputs = [
        inputs[node.inputs.index(i)] if i in node.inputs else noise(graph.tensors[i])
        for i in node.outputs
    ]
    results = call(lowering, inputs, outputs, lib)
    for position in lowering.in_place:
        if node.inputs[position] not in node.outputs:
            _check_in_place(lowering, position, inputs, outputs, results, lib)
    return [
        from_storage(result, shape, of.outputs).reshape(shape)
        for result, shape in zip(results, shapes, strict=True)
    ]


def stored(graph: Graph, values: dict[int, np.ndarray], index: int, order: Order) -> np.ndarray:
    """A tensor as it lies in the arena; state and constants keep the identity of their array."""
    shape = graph.tensors[index].shape
    return to_storage(values[index], shape, order) if order == "planar" else values[index]


def _check_in_place(lowering, position, inputs, outputs, results, lib) -> None:
    """Run with the output where the input starts: sizes may differ."""
    size = max(inputs[position].nbytes, outputs[0].nbytes)
    alignment = max(inputs[position].itemsize, outputs[0].itemsize)
    shared = Buffer(np.full(size, 0x55, np.uint8), alignment)
    shared.array[: inputs[position].nbytes] = inputs[position].reshape(-1).view(np.uint8)
    held = [Buffer(a) for a in inputs]
    others = [Buffer(a) for a in outputs[1:]]
    addresses = [(shared if i == position else b).address for i, b in enumerate(held)]
    invoke(lowering, addresses, [shared.address, *(b.address for b in others)], lib)
    shared.check(lowering.function)
    again = shared.array[: outputs[0].nbytes]
    assert again.tobytes() == results[0].tobytes(), f"{lowering.function}: wrong in place"


def noise(tensor: Tensor) -> np.ndarray:
    """What an output buffer holds before: nothing that a kernel should rely on."""
    seed = int(hashlib.sha256(repr(tensor.shape).encode()).hexdigest()[:8], 16)
    raw = np.random.default_rng(seed).integers(0, 256, tensor.nbytes, np.uint8)
    return raw.view(tensor.dtype).reshape(tensor.shape)


def run(
    graph: Graph, inputs: Sequence[np.ndarray], lib=None, variant: str = "portable"
) -> tuple[np.ndarray, ...]:
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
            run_node(graph, node, values, lib, variant)
        state = {i: values[i] for i in graph.state}
        steps.append([values[i] for i in graph.outputs])
    return tuple(np.stack(column) for column in zip(*steps, strict=True))
