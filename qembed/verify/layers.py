"""What a board's layers are: which tensor each one reports, and how its bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from qembed.errors import QembedError
from qembed.export.model import ModelSources
from qembed.ir import AnyArray, Graph, Tensor
from qembed.plan.layout import Order, axes, from_storage, to_storage
from qembed.protocol.messages import ByteOrder


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


def stored(
    array: AnyArray, graph: Graph, layer: ReportedLayer, byte_order: ByteOrder
) -> NDArray[np.uint8]:
    """Bytes of a batch of a layer's output as the board hashes them, shape (B, n)."""
    lying = to_storage(array, graph.tensors[layer.tensor].shape, layer.order)
    return _bytes(lying, byte_order)


def unstored(data: bytes, graph: Graph, layer: ReportedLayer, byte_order: ByteOrder) -> AnyArray:
    """Read the bytes of a layer's output that a board sent, shape (*tensor.shape)."""
    tensor = graph.tensors[layer.tensor]
    (array,) = from_storage(unpacked(data, tensor, byte_order), tensor.shape, layer.order)
    return array  # type: ignore[no-any-return]


def unpacked(data: bytes, tensor: Tensor, byte_order: ByteOrder) -> AnyArray:
    """Read elements of a tensor's type, shape (n,)."""
    kind = np.dtype(tensor.dtype)
    return np.frombuffer(data, kind.newbyteorder(byte_order)).astype(kind)


def packed(arrays: Sequence[AnyArray], byte_order: ByteOrder) -> list[bytes]:
    """Bytes of each sample of a batch as a board holds them: its tensors one behind the other."""
    rows = [_bytes(array, byte_order) for array in arrays]
    return [bytes(row) for row in np.concatenate(rows, axis=1)]


def _bytes(array: AnyArray, byte_order: ByteOrder) -> NDArray[np.uint8]:
    """Lay out a batch in a byte order: one row of bytes a sample."""
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder(byte_order))
    return ordered.view(np.uint8).reshape(len(array), -1)
