"""How far apart a board's outputs are from the desk's, as real numbers: eight usual metrics.

A byte-exact toolkit does not need them, but those who come from others know them. Of equal bytes
they are 0 and 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.ir import Graph, Tensor
from qembed.ops import dequantize
from qembed.protocol.messages import ByteOrder
from qembed.verify.layers import unpacked


@dataclass(frozen=True, slots=True)
class Agreement:
    """One output over all samples; d = board - desk, r = desk, all as real numbers.

    Attributes
    ----------
    output : str
    acc : float
        Share of samples whose largest value is at the same place.
    rmse, mae, mean, std : float
        Of d: root of the mean square, mean magnitude, mean, standard deviation.
    l2r : float, optional
        Norm of d over the norm of r.
    nse : float, optional
        Nash-Sutcliffe efficiency: 1 - sum(d**2) / sum((r - mean of r)**2).
    cos : float, optional
        Cosine of the angle between board and desk.

    None: the denominator is zero.
    """

    output: str
    acc: float
    rmse: float
    mae: float
    l2r: float | None
    mean: float
    std: float
    nse: float | None
    cos: float | None


class Accumulator:
    """Sums over the samples of one model, from which the metrics follow."""

    def __init__(self, graph: Graph, byte_order: ByteOrder) -> None:
        self._byte_order: ByteOrder = byte_order
        self._tensors = [graph.tensors[i] for i in graph.outputs]
        # per output: samples, same place, n, d, d*d, |d|, r, r*r, board*board, board*r
        self._sums = np.zeros((len(self._tensors), 10), np.float64)

    def add(self, desk: bytes, board: bytes) -> None:
        """Take the outputs of a sample, one behind the other, as the board holds them."""
        start = 0
        for sums, tensor in zip(self._sums, self._tensors, strict=True):
            end = start + tensor.nbytes
            r, g = (_real(data[start:end], tensor, self._byte_order) for data in (desk, board))
            sums += _terms(r, g)
            start = end

    def result(self) -> tuple[Agreement, ...]:
        """Return the metrics of each output."""
        pairs = zip(self._tensors, self._sums, strict=True)
        return tuple(_metrics(tensor.name, sums) for tensor, sums in pairs)


def _real(data: bytes, tensor: Tensor, byte_order: ByteOrder) -> NDArray[np.float64]:
    values = unpacked(data, tensor, byte_order)
    if tensor.quantization is not None and values.dtype.kind in "iu":
        by = tensor.quantization
        values = dequantize.reference(dequantize.Dequantize(by.scale, by.zero_point), values)
    return values.astype(np.float64)


def _terms(r: NDArray[np.float64], g: NDArray[np.float64]) -> NDArray[np.float64]:
    same = float(r.argmax() == g.argmax())
    finite = np.isfinite(r) & np.isfinite(g)
    r, g = r[finite], g[finite]
    d = g - r
    sums = (d, d * d, np.abs(d), r, r * r, g * g, g * r)
    return np.array([1.0, same, r.size, *(term.sum() for term in sums)])


def _metrics(name: str, sums: NDArray[np.float64]) -> Agreement:
    samples, same, n, d, dd, magnitude, r, rr, gg, gr = (float(term) for term in sums)
    n = max(n, 1.0)  # 0 if no value was finite
    spread = rr - r * r / n
    norms = math.sqrt(rr * gg)
    return Agreement(
        output=name,
        acc=same / samples,
        rmse=math.sqrt(dd / n),
        mae=magnitude / n,
        l2r=math.sqrt(dd / rr) if rr > 0 else None,
        mean=d / n,
        std=math.sqrt(max(dd / n - (d / n) ** 2, 0.0)),
        nse=1 - dd / spread if spread > 0 else None,
        cos=gr / norms if norms > 0 else None,
    )
