"""What a board's layers are: which tensor each one reports, and how its bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from qembed.errors import QembedError
from qembed.export.model import ModelSources
from qembed.ir import AnyArray, Graph
from qembed.plan.layout import Order, axes, from_storage, to_storage


@dataclass(frozen=True, slots=True)
class ReportedLayer:
    """One QE_LAYER_DONE of an inference.

    Attributes
    ----------
    node, tensor : int
        Indices in the graph.
    order : Order
        How the tensor's elements lie in the arena.
    variant, function : str
        Kernel that computes it.
    """

    node: int
    tensor: int
    order: Order
    variant: str
    function: str


def layers_of(sources: ModelSources) -> tuple[ReportedLayer, ...]:
    """Return the layers of a model that was exported just now."""
    return tuple(
        ReportedLayer(
            layer.node,
            layer.tensor,
            sources.orders.get(layer.tensor, "nhwc"),
            sources.lowerings[layer.node].variant,
            sources.lowerings[layer.node].function,
        )
        for layer in sources.plan.layers
    )


def layers_from_manifest(manifest: dict[str, Any], graph: Graph) -> tuple[ReportedLayer, ...]:
    """Return the layers that an export wrote down in its ``<prefix>.json``.

    Raises
    ------
    QembedError
        If they are not layers of `graph`.
    """
    try:
        return tuple(_layer(entry, graph) for entry in manifest["layers"])
    except (KeyError, TypeError, ValueError, IndexError):
        raise QembedError(
            "the export's manifest does not describe this model; export it again"
        ) from None


def _layer(entry: dict[str, Any], graph: Graph) -> ReportedLayer:
    node, tensor = int(entry["node"]), int(entry["tensor"])
    if node < 0 or tensor not in graph.nodes[node].outputs:
        raise ValueError
    shape = graph.tensors[tensor].shape
    for order in get_args(Order):
        if list(axes(shape, order)) == entry["axes"]:
            return ReportedLayer(node, tensor, order, str(entry["variant"]), str(entry["function"]))
    raise ValueError


def stored(array: AnyArray, graph: Graph, layer: ReportedLayer) -> AnyArray:
    """Bring a batch of a layer's output into the order and byte order that the board hashes."""
    lying = to_storage(array, graph.tensors[layer.tensor].shape, layer.order)
    return lying.astype(lying.dtype.newbyteorder("<"), copy=False)


def unstored(data: bytes, graph: Graph, layer: ReportedLayer) -> AnyArray:
    """Read the bytes of a layer's output that a board sent, shape (*tensor.shape)."""
    tensor = graph.tensors[layer.tensor]
    flat = np.frombuffer(data, np.dtype(tensor.dtype).newbyteorder("<")).astype(tensor.dtype)
    (array,) = from_storage(flat, tensor.shape, layer.order)
    return array  # type: ignore[no-any-return]


def packed(arrays: Sequence[AnyArray]) -> list[bytes]:
    """Bytes of each sample of a batch: its tensors one behind the other, little-endian."""
    rows = [
        np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        .view(np.uint8)
        .reshape(len(array), -1)
        for array in arrays
    ]
    return [bytes(row) for row in np.concatenate(rows, axis=1)]
