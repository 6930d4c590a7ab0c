"""Inputs for a model, from its own samples or from files, in blocks of any number of samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qembed.errors import InputError, QembedError
from qembed.files import StoredArray, read_rows, read_stored, stored_arrays
from qembed.ir import AnyArray, Graph, Tensor
from qembed.ops import quantize

INPUT_KEYS = ("inputs", "x")
LABEL_KEYS = ("labels", "y")
MAX_LABELS = 1 << 26

Source = AnyArray | StoredArray


@dataclass(frozen=True, slots=True)
class Dataset:
    """What to run a model on.

    Attributes
    ----------
    graph : Graph
    sources : tuple of ndarray or StoredArray
        One per graph input, `count` samples along the first axis.
    count : int
    labels : int64 ndarray, optional
        Shape (count,).
    origin : str
        For people: a file's name, or that these are the model's samples.
    """

    graph: Graph
    sources: tuple[Source, ...]
    count: int
    labels: NDArray[np.int64] | None
    origin: str


def open_dataset(graph: Graph, inputs: Path | None = None, labels: Path | None = None) -> Dataset:
    """Return the model's own samples, or what a file holds; nothing large is read yet.

    Parameters
    ----------
    graph : Graph
    inputs : Path, optional
        An `.npy` file, or an `.npz` archive in which the arrays are named as the input tensors;
        one input may also be called "inputs" or "x", its labels "labels" or "y".
    labels : Path, optional
        An `.npy` file of integers.

    Raises
    ------
    InputError
        If there is nothing to run on, or it does not fit the model's inputs.
    """
    if inputs is None:
        if graph.samples is None:
            raise InputError(f"model '{graph.name}' carries no samples; give it inputs with -i")
        arrays: Sequence[Source] = graph.samples.inputs
        known, origin = graph.samples.labels, "samples of the model"
    else:
        arrays, known = _from_file(graph, inputs)
        origin = inputs.name
    if labels is not None:
        known = _labels_from_file(labels)
    counts = {array.shape[0] for array in arrays}
    if len(counts) != 1:
        raise InputError(f"the inputs have different numbers of samples: {sorted(counts)}")
    (count,) = counts
    if known is not None and len(known) != count:
        raise InputError(f"there are {len(known)} labels for {count} samples")
    if count == 0:
        raise InputError(f"{origin}: there are no samples in it")
    return Dataset(graph, tuple(arrays), count, known, origin)


def random_dataset(graph: Graph, count: int, seed: int = 0) -> Dataset:
    """Return `count` seeded random samples: every value of an integer type, normal real numbers."""
    rng = np.random.default_rng(seed)
    arrays = [_random(rng, graph.tensors[i], count) for i in graph.inputs]
    return Dataset(graph, tuple(arrays), count, None, f"random samples, seed {seed}")


def _random(rng: np.random.Generator, tensor: Tensor, count: int) -> AnyArray:
    shape = (count, *tensor.shape)
    if tensor.dtype == "float32":
        return rng.standard_normal(shape).astype(np.float32)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    limits = np.iinfo(tensor.dtype)
    return rng.integers(limits.min, limits.max, shape, tensor.dtype, endpoint=True)


def head(dataset: Dataset, count: int) -> Dataset:
    """Return the first `count` samples, read into memory."""
    if count >= dataset.count:
        return dataset
    block = next(blocks(dataset, count))
    labels = None if dataset.labels is None else dataset.labels[:count]
    return Dataset(dataset.graph, tuple(block), count, labels, dataset.origin)


def blocks(dataset: Dataset, size: int) -> Iterator[tuple[AnyArray, ...]]:
    """Yield one array (b, *tensor.shape) of the tensor's type per input, b up to `size`.

    Real numbers are quantized with the input's own scale and zero point, as QUANTIZE does.

    Raises
    ------
    InputError
        If a file is damaged, or holds a NaN.
    """
    tensors = [dataset.graph.tensors[i] for i in dataset.graph.inputs]
    parts = [_rows(source, size) for source in dataset.sources]
    try:
        for block in zip(*parts, strict=True):
            yield tuple(_conform(rows, t) for rows, t in zip(block, tensors, strict=True))
    except InputError:
        raise
    except QembedError as error:
        raise InputError(str(error)) from None


def _rows(source: Source, size: int) -> Iterator[AnyArray]:
    if isinstance(source, StoredArray):
        return read_rows(source, size)
    return (source[start : start + size] for start in range(0, source.shape[0], size))


def _from_file(graph: Graph, path: Path) -> tuple[list[Source], NDArray[np.int64] | None]:
    try:
        arrays = stored_arrays(path)
    except QembedError as error:
        raise InputError(str(error)) from None
    tensors = [graph.tensors[i] for i in graph.inputs]
    chosen: list[Source] = []
    for tensor in tensors:
        names = (tensor.name, "", *INPUT_KEYS) if len(tensors) == 1 else (tensor.name,)
        found = [arrays[name] for name in names if name in arrays]
        if not found:
            wanted = " or ".join(name for name in names if name)
            raise InputError(
                f"{path} has no array called {wanted} for input '{tensor.name}'; it has "
                f"{', '.join(arrays) or 'none'}"
            )
        chosen.append(_batched(found[0], tensor, path))
    labels = [arrays[k] for k in LABEL_KEYS if k in arrays and arrays[k].dtype.kind in "iu"]
    return chosen, _read_labels(labels[0]) if labels else None


def _batched(array: StoredArray, tensor: Tensor, path: Path) -> Source:
    """Give an array its axis of samples, or refuse its shape or type."""
    _require_convertible(array.dtype, tensor, path)
    shape, inner = array.shape, tensor.shape[1:]
    if len(shape) == len(tensor.shape) + 1 and shape[1:] == tensor.shape:
        return array
    if tensor.shape[:1] == (1,) and len(shape) == len(tensor.shape) and shape[1:] == inner:
        return array
    if shape == tensor.shape or (tensor.shape[:1] == (1,) and shape == inner):
        return _read_whole(array)[None]
    sizes = ", ".join(map(str, inner if tensor.shape[:1] == (1,) else tensor.shape))
    raise InputError(
        f"{path}: inputs of shape {list(shape)} do not fit '{tensor.name}', which takes "
        f"[B, {sizes}] for B samples"
    )


def _require_convertible(dtype: np.dtype, tensor: Tensor, path: Path) -> None:
    if dtype.name == tensor.dtype:
        return
    if dtype.kind == "f":
        if tensor.dtype == "float32" or tensor.quantization is not None:
            return
        raise InputError(
            f"{path} holds {dtype.name} but input '{tensor.name}' is {tensor.dtype} without a "
            "scale: give quantized values"
        )
    raise InputError(
        f"{path} holds {dtype.name} but input '{tensor.name}' takes quantized {tensor.dtype} or "
        "real float32 numbers; convert it to the one that it means"
    )


def _conform(rows: AnyArray, tensor: Tensor) -> AnyArray:
    """Return rows in the tensor's type and shape."""
    rows = rows.reshape(rows.shape[0], *tensor.shape)
    if rows.dtype.name == tensor.dtype:
        if tensor.dtype == "float32" and bool(np.isnan(rows).any()):
            raise InputError(f"an input for '{tensor.name}' is not a number (NaN)")
        return rows
    if bool(np.isnan(rows).any()):
        raise InputError(f"an input for '{tensor.name}' is not a number (NaN)")
    with np.errstate(over="ignore"):
        real = rows.astype(np.float32)
    if tensor.quantization is None:
        return real
    by = tensor.quantization
    return quantize.reference(quantize.Quantize(tensor.dtype, by.zero_point, by.scale), real)


def _labels_from_file(path: Path) -> NDArray[np.int64]:
    try:
        arrays = stored_arrays(path)
    except QembedError as error:
        raise InputError(str(error)) from None
    for key in ("", *LABEL_KEYS):
        if key in arrays:
            return _read_labels(arrays[key])
    raise InputError(f"{path} has no array called {' or '.join(LABEL_KEYS)}")


def _read_labels(array: StoredArray) -> NDArray[np.int64]:
    if array.dtype.kind not in "iu" or len(array.shape) != 1 or array.shape[0] > MAX_LABELS:
        raise InputError(
            f"{array.path}: labels must be integers of shape [B], not "
            f"{array.dtype.name}{list(array.shape)}"
        )
    return _read_whole(array).astype(np.int64)


def _read_whole(array: StoredArray) -> AnyArray:
    try:
        return read_stored(array)
    except QembedError as error:
        raise InputError(str(error)) from None
