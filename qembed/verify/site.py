"""Where a wrong constant lies on the chip: symbol, offset and address in the linked firmware.

Kernels pack their constants each in its own way. Where a number went is found by packing the layer
twice, with another number in its place, and looking which element changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.device.elf import STT_OBJECT, read_elf
from qembed.errors import UnsupportedError
from qembed.export.lowering import CArray, Lowering
from qembed.export.model import parameters_name
from qembed.export.ops import candidates
from qembed.ir import AnyArray, Graph, Node
from qembed.targets import Target
from qembed.verify.layers import ReportedLayer
from qembed.verify.report import Constant, Site


@dataclass(frozen=True, slots=True)
class Build:
    """A linked firmware.

    Attributes
    ----------
    elf : Path
    prefix : str
        Begins the C names of the model.
    stack_bound : int, optional
        Bytes that an inference may take, from the compiler's reports.
    """

    elf: Path
    prefix: str
    stack_bound: int | None = None


def find_site(build: Build, graph: Graph, layer: ReportedLayer, wrong: Constant) -> Site | None:
    """Find a constant of a layer in the firmware; None if it is not there.

    Raises
    ------
    ToolError
        If the firmware's file cannot be read.
    """
    elf = read_elf(build.elf)
    node = graph.nodes[layer.node]
    name = parameters_name(build.prefix, layer.node, node.op)
    for array, element, byte in _places(graph, node, layer, wrong, elf.byte_order):
        symbol = f"{name}_{array.suffix}"
        for found in elf.symbols:
            if found.kind == STT_OBJECT and found.name == symbol:
                offset = element * found.size // array.values.size + byte
                return Site(symbol, offset, found.address + offset)
    return None


def _places(
    graph: Graph, node: Node, layer: ReportedLayer, wrong: Constant, byte_order: str
) -> Iterator[tuple[CArray, int, int]]:
    """Yield array, element and byte in it where the constant alone is packed.

    What a weight shares with the bias (zero points folded into it) is not the weight's place.
    """
    right = _lowering(graph, node, layer)
    if right is None:
        return
    shared: Mapping[str, set[int]] = {}
    if wrong.name == "weights":
        shared = _changed(right, _lowering(graph, _with_bias(node, 1), layer))
    right_value = int(_numbers(node, wrong.name)[wrong.index])
    for value in (wrong.value, right_value - 1, right_value + 1):
        other = _lowering(graph, _with(node, wrong, value), layer)
        if other is None:
            continue
        for suffix, elements in _changed(right, other).items():
            for element in sorted(elements - shared.get(suffix, set())):
                array = next(array for array in right.arrays if array.suffix == suffix)
                before, after = (_bytes(low, suffix, element, byte_order) for low in (right, other))
                yield array, element, next(i for i in range(len(before)) if before[i] != after[i])


def _lowering(graph: Graph, node: Node | None, layer: ReportedLayer) -> Lowering | None:
    """Pack a layer for the kernel that the firmware has; None if that kernel does not take it."""
    if node is None:
        return None
    variants = tuple(dict.fromkeys((layer.variant, "portable")))
    try:
        found = candidates(node, graph, Target("", "", "", (), (), variants))
    except UnsupportedError:
        return None
    ways = (way for lowering in found.values() for way in (lowering, *lowering.others))
    return next((way for way in ways if way.function == layer.function), None)


def _changed(right: Lowering, other: Lowering | None) -> Mapping[str, set[int]]:
    """Elements in which two packings of a layer differ, by array."""
    if other is None:
        return {}
    others = {array.suffix: array.values for array in other.arrays}
    return {
        array.suffix: set(np.flatnonzero(array.values != others[array.suffix]).tolist())
        for array in right.arrays
        if others.get(array.suffix, array.values).shape == array.values.shape
        and array.suffix in others
    }


def _bytes(lowering: Lowering, suffix: str, element: int, byte_order: str) -> bytes:
    values = next(array.values for array in lowering.arrays if array.suffix == suffix)
    one: AnyArray = values.reshape(-1)[element : element + 1]
    return one.astype(one.dtype.newbyteorder(byte_order)).tobytes()  # type: ignore[arg-type]


def _numbers(node: Node, name: str) -> NDArray[Any]:
    owner = node.params.requantization if name in ("multiplier", "shift") else node.params
    numbers: NDArray[Any] = getattr(owner, name)
    return numbers


def _with(node: Node, constant: Constant, value: int) -> Node | None:
    """Put another value in a constant's place; None if it does not fit its type."""
    numbers = _numbers(node, constant.name).copy()
    limits = np.iinfo(numbers.dtype)
    if not limits.min <= value <= limits.max:
        return None
    numbers[constant.index] = value
    changes = {constant.name: numbers}
    if constant.name in ("multiplier", "shift"):
        changes = {"requantization": replace(node.params.requantization, **changes)}
    return replace(node, params=replace(node.params, **changes))


def _with_bias(node: Node, step: int) -> Node:
    return replace(node, params=replace(node.params, bias=node.params.bias + np.int32(step)))
