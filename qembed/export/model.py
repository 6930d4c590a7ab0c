"""A graph as C sources, in memory: the model's own files and the kernels it uses."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import qembed
from qembed.container import graph_hash
from qembed.errors import UnsupportedError
from qembed.export import c_text, row_text
from qembed.export.lowering import CArray, Lowering, demand_of
from qembed.export.row_text import stream_values
from qembed.export.streaming import Streamed, plan_streaming
from qembed.export.templates import render
from qembed.export.variants import choose_kernels
from qembed.ir import Graph, Tensor
from qembed.plan import Layer, Plan, check, plan_memory
from qembed.plan.layout import Order, storage_orders
from qembed.resources import firmware_templates
from qembed.targets import Target

INCLUDE_DIRS = (".", "kernels/include")
COMMON_HEADERS = ("qe_types.h", "qe_model.h")
_INCLUDE = re.compile(rb'^#include "(\w+\.h)"', re.MULTILINE)
STATE_HEADERS, STATE_SOURCES = ("qe_fill.h",), ("portable/qe_fill.c",)


@dataclass(frozen=True, slots=True, eq=False)
class ModelSources:
    """An exported model, not yet written anywhere.

    Attributes
    ----------
    prefix : str
        Begins every C name of the model.
    files : mapping of str to bytes
        By path below the folder that will hold them.
    sources : tuple of str
        The paths of `files` to compile.
    include_dirs : tuple of str
        Folders for the compiler's ``-I``.
    plan : Plan
    lowerings : tuple of Lowering
        By node index.
    orders : mapping of int to Order
        Storage order of every tensor that is not NHWC, by index.
    arrays : mapping of str to int
        C name and size in bytes of every constant array: the model's weights.
    export_id : str
        What the firmware calls this export: the target, and a hash of what its layers report.
    """

    prefix: str
    files: Mapping[str, bytes]
    sources: tuple[str, ...]
    include_dirs: tuple[str, ...]
    plan: Plan
    lowerings: tuple[Lowering, ...]
    orders: Mapping[int, Order]
    arrays: Mapping[str, int]
    export_id: str

    @property
    def pushed(self) -> bool:
        """Whether the input comes row by row."""
        return self.plan.stream is not None and self.plan.stream.schedule.pushed


def plan_for(
    graph: Graph, target: Target, arena_max: int | None = None, push_rows: bool = False
) -> tuple[tuple[Lowering, ...], Plan]:
    """Choose a kernel and a traversal for every node, and a place for every activation.

    Parameters
    ----------
    arena_max : int, optional
        Bytes of RAM that the activations may take. The fastest plan that fits is taken: of the
        fastest kernels, of more modest ones, with the first layers row by row.
    push_rows : bool
        The input comes row by row, and is never whole.

    Raises
    ------
    UnsupportedError
        If the target has no kernel for a node, or no plan of `arena_max` bytes was found.
    """
    streamed = _planned(graph, target, arena_max, push_rows)
    return streamed.lowerings, streamed.plan


def _planned(graph: Graph, target: Target, arena_max: int | None, push_rows: bool) -> Streamed:
    """Take the first plan that fits, from the fastest to the smallest."""
    if push_rows:
        return plan_streaming(graph, target, arena_max, pushed=True)
    try:
        return _planned_whole(graph, target, choose_kernels(graph, target), arena_max)
    except UnsupportedError:
        if arena_max is None:
            raise
    try:
        return _planned_whole(graph, target, choose_kernels(graph, target, arena_max), arena_max)
    except UnsupportedError as error:
        try:
            return plan_streaming(graph, target, arena_max)
        except UnsupportedError as also:
            raise UnsupportedError(f"{error}; {also}") from None


def _planned_whole(
    graph: Graph, target: Target, lowerings: Sequence[Lowering], arena_max: int | None
) -> Streamed:
    """Plan layers that run one after the other."""
    demands = [demand_of(low) for low in lowerings]
    plan = plan_memory(graph, demands, target.alignment, arena_max)
    check(plan, graph)
    chosen = list(lowerings)
    for n, traversal in plan.traversals.items():
        ways = (lowerings[n], *lowerings[n].others)
        chosen[n] = next(way for way in ways if way.traversal == traversal.name)
    return Streamed(plan, tuple(chosen), ())


def model_sources(
    graph: Graph,
    target: Target,
    prefix: str | None = None,
    arena_max: int | None = None,
    push_rows: bool = False,
) -> ModelSources:
    """Turn a validated graph into C.

    Parameters
    ----------
    graph : Graph
    target : Target
    prefix : str, optional
        Begins every C name; by default made from the graph's name.
    arena_max : int, optional
        Bytes of RAM that the activations may take.
    push_rows : bool
        The input comes row by row, and is never whole.

    Raises
    ------
    QembedError
        If the prefix cannot begin C names.
    UnsupportedError
        If the target has no kernel for a node, an output is a constant, or no plan of `arena_max`
        bytes was found.
    """
    prefix = c_text.sanitize_prefix(graph.name) if prefix is None else c_text.check_prefix(prefix)
    planned = _planned(graph, target, arena_max, push_rows)
    lowerings, plan = planned.lowerings, planned.plan
    names = _names(prefix, graph, lowerings, plan)
    orders = _orders(graph, planned)
    export_id = _export_id(target, lowerings, plan, orders)
    stream = stream_values(graph, plan, planned.forms, prefix, names.nodes)
    values = _context(graph, target, lowerings, plan, names)
    values |= {"export_id": export_id, "stream": stream}
    files = {
        f"{prefix}.h": render("model/model.h.j2", values),
        f"{prefix}_weights.h": render("model/weights.h.j2", values),
        f"{prefix}.c": render("model/model.c.j2", values),
    }
    kernels = _kernel_files(graph, [lowerings[n] for n in names.nodes], stream is not None)
    return ModelSources(
        prefix=prefix,
        files=files | kernels,
        sources=(f"{prefix}.c", *(path for path in kernels if path.endswith(".c"))),
        include_dirs=INCLUDE_DIRS,
        plan=plan,
        lowerings=lowerings,
        orders=orders,
        arrays={name: _array_bytes(array) for name, array in names.arrays.items()},
        export_id=export_id,
    )


def _orders(graph: Graph, planned: Streamed) -> dict[int, Order]:
    """Storage order of every tensor that is not NHWC; rows that lie apart are planes each."""
    orders = storage_orders(graph, [lowering.orders for lowering in planned.lowerings])
    stream = planned.plan.stream
    apart = {t for t, places in stream.places.items() if places.table} if stream else set()
    return {t: "rows" if t in apart else order for t, order in orders.items()}


def _export_id(
    target: Target, lowerings: Sequence[Lowering], plan: Plan, orders: Mapping[int, Order]
) -> str:
    """Name an export so that what a firmware reports can be read: same name, same layers."""
    layers = [
        (
            layer.node,
            layer.tensor,
            orders.get(layer.tensor, "nhwc"),
            lowerings[layer.node].variant,
            lowerings[layer.node].function,
        )
        for layer in plan.layers
    ]
    digest = hashlib.sha256(json.dumps(layers).encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', target.name)[:40]}-{digest[:12]}"


@dataclass(frozen=True, slots=True, eq=False)
class _Names:
    """Names that the model's own C file uses.

    Attributes
    ----------
    nodes : mapping of int to str
        Parameter struct of each node that runs.
    arrays : mapping of str to CArray
        Every constant array, by name.
    array_names : mapping of int to str
        Name of a `CArray`, by its id.
    constants : mapping of int to str
        Name of the array that holds a constant tensor.
    """

    prefix: str
    nodes: Mapping[int, str]
    arrays: Mapping[str, CArray]
    array_names: Mapping[int, str]
    constants: Mapping[int, str]


def parameters_name(prefix: str, n: int, op: str) -> str:
    """Name the parameters of node `n`; those of its arrays begin with it."""
    return f"{prefix}_{n}_{op}"


def _names(prefix: str, graph: Graph, lowerings: Sequence[Lowering], plan: Plan) -> _Names:
    nodes = {n: parameters_name(prefix, n, graph.nodes[n].op) for n in plan.running}
    arrays: dict[str, CArray] = {}
    constants = {}
    for n, name in nodes.items():
        for i in graph.nodes[n].inputs:
            tensor = graph.tensors[i]
            if tensor.data is not None:
                constants[i] = f"{prefix}_tensor_{i}"
                arrays[constants[i]] = CArray(
                    constants[i], c_text.C_TYPES[tensor.dtype], tensor.data
                )
        arrays |= {f"{name}_{array.suffix}": array for array in lowerings[n].arrays}
    array_names = {id(array): name for name, array in arrays.items()}
    return _Names(prefix, nodes, arrays, array_names, constants)


def _context(
    graph: Graph, target: Target, lowerings: Sequence[Lowering], plan: Plan, names: _Names
) -> dict[str, Any]:
    """Everything that the templates print, computed: they add punctuation only."""
    digest = graph_hash(graph)
    return {
        "prefix": names.prefix,
        "macro": names.prefix.upper(),
        "title": f"Model '{c_text.comment(graph.name)}' as a C function.",
        "version": qembed.__version__,
        "target": target.name,
        "hash": digest.hex(),
        "hash_lines": c_text.wrapped(f"0x{byte:02x}," for byte in digest),
        "arena_bytes": plan.arena_bytes,
        "arena_alignment": plan.alignment,
        "constant_bytes": sum(_array_bytes(array) for array in names.arrays.values()),
        "inputs": [_buffer(graph, plan, i) for i in graph.inputs],
        "outputs": [_buffer(graph, plan, i) for i in graph.outputs],
        "states": [_state(graph.tensors[i], plan.offsets[i]) for i in graph.state],
        "headers": sorted(
            _headers(graph, [lowerings[n] for n in names.nodes])
            | set(row_text.HEADERS if plan.stream else ())
        ),
        "arrays": [c_text.array_values(name, array) for name, array in names.arrays.items()],
        "layers": [
            {
                "name": name,
                "params_type": lowerings[n].params_type,
                "description": describe(graph, n),
                "members": [
                    line
                    for key, value in lowerings[n].fields.items()
                    for line in c_text.member_lines(key, value, names.array_names)
                ],
            }
            for n, name in names.nodes.items()
        ],
        "layer_count": len(plan.layers),
        "statements": _statements(graph, lowerings, plan, names),
    }


def describe(graph: Graph, n: int) -> str:
    """One line on a node: index, operator, types and shapes; nothing that a model could inject."""
    node = graph.nodes[n]
    inputs, outputs = (
        ", ".join(_type_of(graph.tensors[i]) for i in indices)
        for indices in (node.inputs, node.outputs)
    )
    return f"{n}: {node.op}, {inputs} -> {outputs}"


def _type_of(tensor: Tensor) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}"


def _buffer(graph: Graph, plan: Plan, index: int) -> dict[str, Any]:
    tensor = graph.tensors[index]
    if tensor.data is not None:
        raise UnsupportedError(
            f"output '{tensor.name}' is a constant: take it out of the model's outputs"
        )
    return {
        "offset": plan.offsets.get(index, 0),  # 0: its rows are pushed, it is never whole
        "bytes": tensor.nbytes,
        "description": _type_of(tensor),
    }


def _state(tensor: Tensor, offset: int) -> dict[str, Any]:
    itemsize = np.dtype(tensor.dtype).itemsize
    if itemsize > 4 or tensor.dtype == "float32":
        raise UnsupportedError(
            f"state '{tensor.name}' has type {tensor.dtype}: only integers up to 32 bits"
        )
    assert tensor.reset_value is not None
    return {
        "offset": offset,
        "value": c_text.integer(tensor.reset_value),
        "count": math.prod(tensor.shape),
        "element_bytes": itemsize,
    }


def _statements(
    graph: Graph, lowerings: Sequence[Lowering], plan: Plan, names: _Names
) -> list[str]:
    """Write the body of an inference: one call a line, each followed by its layers."""
    index = {layer: i for i, layer in enumerate(plan.layers)}
    lines = []
    streamed = plan.stream.schedule.stop if plan.stream else 0
    for n, name in names.nodes.items():
        if n < streamed:
            continue
        node, lowering = graph.nodes[n], lowerings[n]
        places = {i: _place(names.prefix, plan.offsets[i]) for i in node.outputs}
        inputs = [
            names.constants.get(i) or _place(names.prefix, plan.offsets[i]) for i in node.inputs
        ]
        outputs = list(places.values())
        if lowering.inputs_as_array:
            inputs = [f"(const void *const[]){{{', '.join(inputs)}}}"]
        if lowering.outputs_as_array:
            outputs = [f"(void *const[]){{{', '.join(outputs)}}}"]
        scratch = [_place(names.prefix, plan.scratch[n])] if n in plan.scratch else []
        lines += c_text.call(lowering.function, [f"&{name}", *inputs, *outputs, *scratch])
        for i in node.outputs:
            arguments = [str(index[Layer(n, i)]), places[i], f"{graph.tensors[i].nbytes}u"]
            lines += c_text.call("QE_LAYER_DONE", arguments)
    return lines


def _place(prefix: str, offset: int) -> str:
    return f"{prefix}_at({offset}u)"


def _headers(graph: Graph, lowerings: Sequence[Lowering]) -> set[str]:
    """List the kernels' headers that the model's C file includes."""
    return {low.headers[0] for low in lowerings} | set(STATE_HEADERS if graph.state else ())


def _kernel_files(graph: Graph, lowerings: Sequence[Lowering], streams: bool) -> dict[str, bytes]:
    """Copy the kernels that run, and the headers that they include, directly or not."""
    sources = {s for low in lowerings for s in low.sources}
    sources |= set(row_text.SOURCES if streams else ())
    if graph.state:
        sources |= set(STATE_SOURCES)
    folder = firmware_templates() / "kernels"
    files = {f"kernels/src/{path}": (folder / "src" / path).read_bytes() for path in sources}
    wanted = [*COMMON_HEADERS, *_headers(graph, lowerings), *_includes(files.values())]
    wanted += row_text.HEADERS if streams else ()
    while wanted:
        path = f"kernels/include/{wanted.pop()}"
        if path not in files:
            files[path] = (folder.parent / path).read_bytes()
            wanted += _includes([files[path]])
    return dict(sorted(files.items()))


def _includes(contents: Iterable[bytes]) -> list[str]:
    return [name.decode() for text in contents for name in _INCLUDE.findall(text)]


def _array_bytes(array: CArray) -> int:
    return array.values.size * c_text.element_bytes(array.c_type)
