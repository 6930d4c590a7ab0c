"""Inputs for a model, from its own samples or from files, in blocks of any number of samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.errors import InputError, QembedError
from qembed.files import StoredArray, read_rows, read_stored, stored_arrays
from qembed.ir import AnyArray, Graph, Tensor
from qembed.ops import quantize
from qembed.zarr_store import ZarrArray, is_store, read_zarr_rows, zarr_arrays

INPUT_KEYS = ("inputs", "x")
LABEL_KEYS = ("labels", "y")
MAX_LABELS = 1 << 26

SUFFIXES = (".npy", ".npz")

Piece = AnyArray | StoredArray | ZarrArray


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows [start, stop) of what the pieces hold, one after the other along the first axis."""

    pieces: tuple[Piece, ...]
    start: int
    stop: int


Source = Piece | Rows


@dataclass(frozen=True, slots=True)
class Dataset:
    """What to run a model on.

    Attributes
    ----------
    graph : Graph
    sources : tuple of ndarray, StoredArray, ZarrArray or Rows
        One per graph input, `count` samples each along the first axis.
    count : int
    labels : int64 ndarray, optional
        Shape (count,).
    origin : str
        For people: a file's name, or that these are the model's samples.
    damaged : tuple of str
        Files of a folder that could not be opened, a sentence each.
    """

    graph: Graph
    sources: tuple[Source, ...]
    count: int
    labels: NDArray[np.int64] | None
    origin: str
    damaged: tuple[str, ...] = ()


def open_dataset(
    graph: Graph,
    inputs: Path | AnyArray | None = None,
    labels: Path | None = None,
    tolerant: bool = False,
) -> Dataset:
    """Return the model's own samples, or what a file holds; nothing large is read yet.

    Parameters
    ----------
    graph : Graph
    inputs : Path or ndarray, optional
        An `.npy` file, or an `.npz` archive in which the arrays are named as the input tensors;
        one input may also be called "inputs" or "x", its labels "labels" or "y". A Zarr array, or
        a group with such names. A folder of such files, in the order of their names. An array, also
        one that is mapped from a file.
    labels : Path, optional
        An `.npy` file of integers.
    tolerant : bool
        Files of a folder that cannot be opened are listed in the data set, not refused.

    Raises
    ------
    InputError
        If there is nothing to run on, or it does not fit the model's inputs.
    """
    damaged: list[str] = []
    if inputs is None:
        if graph.samples is None:
            raise InputError(f"model '{graph.name}' carries no samples; give it inputs with -i")
        columns: list[tuple[Piece, ...]] = [(array,) for array in graph.samples.inputs]
        known, origin = graph.samples.labels, "samples of the model"
    elif not isinstance(inputs, Path):
        columns, known, origin = [(_given(graph, inputs),)], None, "an array"
    else:
        columns, known = _from_path(graph, inputs, damaged if tolerant else None)
        origin = inputs.name
    if labels is not None:
        known = _labels_from_file(labels)
    counts = {sum(piece.shape[0] for piece in pieces) for pieces in columns}
    if len(counts) != 1:
        raise InputError(f"the inputs have different numbers of samples: {sorted(counts)}")
    (count,) = counts
    if known is not None and len(known) != count:
        raise InputError(f"there are {len(known)} labels for {count} samples")
    if count == 0:
        raise InputError(damaged[0] if damaged else f"{origin}: there are no samples in it")
    sources = tuple(p[0] if len(p) == 1 else Rows(p, 0, count) for p in columns)
    return Dataset(graph, sources, count, known, origin, tuple(damaged))


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


def part(dataset: Dataset, start: int, stop: int) -> Dataset:
    """Return the samples [start, stop), none of them read yet, with only the files they lie in."""
    sources = tuple(_cut(source, start, stop) for source in dataset.sources)
    labels = None if dataset.labels is None else dataset.labels[start:stop]
    return replace(dataset, sources=sources, count=stop - start, labels=labels)


def _cut(source: Source, start: int, stop: int) -> Source:
    if isinstance(source, np.ndarray):
        return source[start:stop]
    rows = source if isinstance(source, Rows) else Rows((source,), 0, source.shape[0])
    start, stop = rows.start + start, rows.start + stop
    pieces, before, skipped = [], 0, 0
    for piece in rows.pieces:
        end = before + piece.shape[0]
        if end <= start:
            skipped = end
        elif before < stop:
            pieces.append(piece)
        before = end
    return Rows(tuple(pieces), start - skipped, stop - skipped)


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
    """Blocks of rows; one ends where its piece ends."""
    rows = source if isinstance(source, Rows) else Rows((source,), 0, source.shape[0])
    before = 0
    for piece in rows.pieces:
        start = max(rows.start - before, 0)
        stop = min(rows.stop - before, piece.shape[0])
        before += piece.shape[0]
        if start < stop:
            yield from _rows_of(piece, size, start, stop)


def _rows_of(piece: Piece, size: int, start: int, stop: int) -> Iterator[AnyArray]:
    if isinstance(piece, StoredArray):
        return read_rows(piece, size, start, stop)
    if isinstance(piece, ZarrArray):
        return read_zarr_rows(piece, size, start, stop)
    return (piece[at : min(at + size, stop)] for at in range(start, stop, size))


def _given(graph: Graph, array: AnyArray) -> AnyArray:
    """Give an array its axis of samples, or refuse it."""
    if len(graph.inputs) != 1:
        raise InputError("an array is for a model with one input; give several in an .npz file")
    batched: AnyArray = _batched(array, graph.tensors[graph.inputs[0]], "the array")
    return batched


def _from_path(
    graph: Graph, path: Path, damaged: list[str] | None
) -> tuple[list[tuple[Piece, ...]], NDArray[np.int64] | None]:
    """Pieces of each input, and the labels if every file has its own."""
    if not path.is_dir() or is_store(path):
        columns, labels = _from_file(graph, path)
        return [(piece,) for piece in columns], labels
    files = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES or is_store(p))
    if not files:
        raise InputError(f"{path}: there are no .npy, .npz or Zarr files in this folder")
    found = []
    for file in files:
        try:
            found.append(_aligned(*_from_file(graph, file), file))
        except InputError as error:
            if damaged is None:
                raise
            damaged.append(str(error))
    columns_of_files = [columns for columns, _ in found]
    known = [labels for _, labels in found if labels is not None]
    whole = np.concatenate(known) if known and len(known) == len(found) else None
    return [tuple(pieces) for pieces in zip(*columns_of_files, strict=True)], whole


def _aligned(
    columns: list[Piece], labels: NDArray[np.int64] | None, path: Path
) -> tuple[list[Piece], NDArray[np.int64] | None]:
    """Refuse a file of a folder whose arrays have different numbers of samples."""
    counts = {len(piece) if isinstance(piece, np.ndarray) else piece.shape[0] for piece in columns}
    counts |= set() if labels is None else {len(labels)}
    if len(counts) != 1:
        raise InputError(f"{path}: its arrays have different numbers of samples: {sorted(counts)}")
    return columns, labels


def _arrays_of(path: Path) -> dict[str, StoredArray] | dict[str, ZarrArray]:
    return zarr_arrays(path) if path.is_dir() else stored_arrays(path)


def _from_file(graph: Graph, path: Path) -> tuple[list[Piece], NDArray[np.int64] | None]:
    try:
        arrays = _arrays_of(path)
    except QembedError as error:
        raise InputError(str(error)) from None
    tensors = [graph.tensors[i] for i in graph.inputs]
    chosen: list[Piece] = []
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


def _batched(array: Piece, tensor: Tensor, path: Path | str) -> Any:
    """Give an array its axis of samples, or refuse its shape or type."""
    _require_convertible(array.dtype, tensor, path)
    shape, inner = array.shape, tensor.shape[1:]
    if len(shape) == len(tensor.shape) + 1 and shape[1:] == tensor.shape:
        return array
    if tensor.shape[:1] == (1,) and len(shape) == len(tensor.shape) and shape[1:] == inner:
        return array
    if shape == tensor.shape or (tensor.shape[:1] == (1,) and shape == inner):
        return (array if isinstance(array, np.ndarray) else _read_whole(array))[None]
    sizes = ", ".join(map(str, inner if tensor.shape[:1] == (1,) else tensor.shape))
    raise InputError(
        f"{path}: inputs of shape {list(shape)} do not fit '{tensor.name}', which takes "
        f"[B, {sizes}] for B samples"
    )


def _require_convertible(dtype: np.dtype, tensor: Tensor, path: Path | str) -> None:
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


def _read_labels(array: StoredArray | ZarrArray) -> NDArray[np.int64]:
    if array.dtype.kind not in "iu" or len(array.shape) != 1 or array.shape[0] > MAX_LABELS:
        raise InputError(
            f"{array.path}: labels must be integers of shape [B], not "
            f"{array.dtype.name}{list(array.shape)}"
        )
    return _read_whole(array).astype(np.int64)


def _read_whole(array: StoredArray | ZarrArray) -> AnyArray:
    try:
        if isinstance(array, ZarrArray):
            return next(read_zarr_rows(array, array.shape[0], 0, array.shape[0]))
        return read_stored(array)
    except QembedError as error:
        raise InputError(str(error)) from None
