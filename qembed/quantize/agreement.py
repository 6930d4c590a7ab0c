"""How far a quantized network is from the float one that it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qembed.backends.host import HostModel
from qembed.floats import executor
from qembed.floats.lowering import Encoding, encode
from qembed.ir import AnyArray, Graph
from qembed.quantize.scheme import targets_of


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """A quantized network against the float one.

    Attributes
    ----------
    sqnr : float
        Signal to quantization noise of all targets (`scheme.targets_of`), in dB.
    changed : int
        Samples for which another class is the largest.
    samples : int
    tensors : dict
        Signal to noise of every tensor, in dB, by its name.
    """

    sqnr: float
    changed: int
    samples: int
    tensors: dict[str, float]


def compare(real: Graph, integers: Graph, inputs: Sequence[AnyArray]) -> Agreement:
    """Run both networks and measure how far the integers are off.

    Parameters
    ----------
    real : Graph
        The float graph that was quantized: tensors are matched by name.
    integers : Graph
    inputs : sequence of float32 ndarray
        (B, *shape) for each input.
    """
    host = HostModel(integers)
    places = {tensor.name: i for i, tensor in enumerate(integers.tensors)}
    names = [tensor.name for tensor in real.tensors]
    targets = targets_of(real)
    error, power = np.zeros(len(names)), np.zeros(len(names))
    changed, count = 0, len(inputs[0])
    step = max(1, executor.BLOCK_BYTES // executor.bytes_per_sample(real))
    for start in range(0, count, step):
        block = [x[start : start + step] for x in inputs]
        wanted = executor.trace(real, block)
        found = host.trace(quantized_inputs(integers, block))
        for i, array in wanted.items():
            place = places.get(names[i])
            if place is None or place not in found:
                continue
            got = _real(integers, place, found[place]).reshape(array.shape)
            error[i] += np.square(got - array, dtype=np.float64).sum()
            power[i] += np.square(array, dtype=np.float64).sum()
            if i == targets[0]:
                changed += int(np.sum(_decisions(got) != _decisions(array)))
    tensors = {names[i]: _decibels(power[i], error[i]) for i in range(len(names)) if power[i]}
    chosen = list(targets)
    return Agreement(_decibels(power[chosen].sum(), error[chosen].sum()), changed, count, tensors)


def _decibels(power: float, error: float) -> float:
    return float(10 * np.log10(power / error)) if error else float("inf")


def _decisions(array: AnyArray) -> AnyArray:
    largest: AnyArray = array.reshape(len(array), -1).argmax(1)
    return largest


def quantized_inputs(integers: Graph, inputs: Sequence[AnyArray]) -> list[AnyArray]:
    """Return real inputs as the integers that a quantized network takes."""
    arrays = []
    for index, x in zip(integers.inputs, inputs, strict=True):
        tensor = integers.tensors[index]
        assert tensor.quantization is not None  # of a network that was quantized here
        arrays.append(encode(x, Encoding(tensor.dtype, tensor.quantization)))
    return arrays


def _real(integers: Graph, place: int, array: AnyArray) -> AnyArray:
    by = integers.tensors[place].quantization
    if by is None:
        return array
    steps = array.astype(np.float32) - np.float32(by.zero_point)
    real: AnyArray = steps * np.float32(by.scale)
    return real
