"""What the desk says a board must see: outputs and layer hashes, sample by sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qembed._host import hash32
from qembed.backends.host import HostModel
from qembed.ir import AnyArray, Graph
from qembed.protocol.messages import ByteOrder
from qembed.verify.layers import ReportedLayer, packed, stored

BLOCK_BYTES = 32 << 20
"""Activations that are held at a time."""
MOST_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Expectation:
    """One sample.

    Attributes
    ----------
    layer_hashes : tuple of int
    outputs : bytes
        One behind the other.
    """

    layer_hashes: tuple[int, ...]
    outputs: bytes


class SampleBytes(Sequence[bytes]):
    """A batch as the link sends it: one `bytes` a sample, made when it is asked for."""

    def __init__(self, inputs: Sequence[AnyArray], byte_order: ByteOrder) -> None:
        self._inputs = inputs
        self._byte_order: ByteOrder = byte_order

    def __len__(self) -> int:
        return len(self._inputs[0])

    def __getitem__(self, index: int) -> bytes:  # type: ignore[override]
        """Return sample `index`; IndexError past the last one, so that iteration ends."""
        index = range(len(self))[index]
        return packed([array[index : index + 1] for array in self._inputs], self._byte_order)[0]


def expectations(
    graph: Graph,
    layers: Sequence[ReportedLayer],
    inputs: Sequence[AnyArray],
    byte_order: ByteOrder,
) -> Iterator[Expectation]:
    """Compute what each sample of a batch must give; a model with state takes them as steps.

    Parameters
    ----------
    inputs : sequence of ndarray
        One per graph input, (B, *tensor.shape).
    byte_order : ByteOrder
        Of the board.
    """
    host = HostModel(graph)
    per_sample = sum(tensor.nbytes for tensor in graph.tensors if tensor.data is None)
    block = min(MOST_BLOCK, max(1, BLOCK_BYTES // per_sample))
    for start in range(0, len(inputs[0]), block):
        part = [array[start : start + block] for array in inputs]
        traced = host.trace(part, keep_state=start > 0)
        hashes = [
            hash32(stored(traced[layer.tensor], graph, layer, byte_order)) for layer in layers
        ]
        outputs = packed([traced[index] for index in graph.outputs], byte_order)
        table = np.array(hashes, np.uint32).reshape(len(layers), len(part[0])).T
        for row, output in zip(table.tolist(), outputs, strict=True):
            yield Expectation(tuple(row), output)
