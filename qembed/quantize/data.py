"""Calibration data: checked before minutes are spent on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from qembed.errors import InputError
from qembed.floats import executor
from qembed.ir import AnyArray, Graph
from qembed.quantize.scheme import targets_of

FEWEST_SAMPLES = 2
MOST_BYTES = 400 << 20
"""Of the activations of all samples used, in float32."""


def checked(graph: Graph, inputs: Sequence[AnyArray], seed: int) -> list[AnyArray]:
    """Check the data; return as many samples as fit in memory, in random order."""
    if len(inputs) != len(graph.inputs):
        raise InputError(f"the model has {len(graph.inputs)} inputs, the data {len(inputs)}")
    arrays = []
    for index, array in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[index]
        if array.shape[1:] != tensor.shape or len(array) != len(inputs[0]):
            raise InputError(
                f"data of shape {list(array.shape)} does not fit '{tensor.name}', which takes "
                f"[B, {', '.join(map(str, tensor.shape))}] for B samples"
            )
        if array.dtype.kind != "f":
            raise InputError(
                f"data for '{tensor.name}' is {array.dtype}; a float network takes real numbers "
                "in float32"
            )
        if not bool(np.isfinite(array).all()):
            raise InputError(f"data for '{tensor.name}' holds a value that is no finite number")
        arrays.append(array.astype(np.float32, copy=False))
    count = len(arrays[0])
    if count < FEWEST_SAMPLES:
        raise InputError(
            f"there are {count} samples; scales are found from at least {FEWEST_SAMPLES}, better "
            "from a hundred or more"
        )
    most = max(FEWEST_SAMPLES, MOST_BYTES // executor.bytes_per_sample(graph))
    order = np.random.default_rng(seed).permutation(count)[:most]
    return [array[order] for array in arrays]


def require_sense(graph: Graph, traced: Mapping[int, AnyArray]) -> None:
    """Refuse data on which the network shows nothing to keep."""
    for i in targets_of(graph):
        array = traced[i]
        if not bool(np.isfinite(array).all()):
            raise InputError(
                f"the float network computes values in '{graph.tensors[i].name}' that are no "
                "finite numbers: is the data scaled as in training?"
            )
        if bool(np.all(array == array[:1])):
            raise InputError(
                f"the float network gives the same '{graph.tensors[i].name}' for every sample: is "
                "the data scaled as in training?"
            )
