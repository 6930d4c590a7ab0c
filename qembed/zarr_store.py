"""Zarr stores: arrays in many small files, read a few rows at a time. Needs the extra `dask`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qembed.errors import QembedError
from qembed.ir import AnyArray

MARKS = ("zarr.json", ".zarray", ".zgroup")
MAX_CHUNK_BYTES = 1 << 28
MAX_ARRAYS = 1000


@dataclass(frozen=True, slots=True)
class ZarrArray:
    """An array in a store, not read yet.

    Attributes
    ----------
    path : Path
        Of the store.
    key : str
        Its name in a group; empty for a store of one array.
    shape : tuple of int
    dtype : numpy.dtype
    """

    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype


def is_store(path: Path) -> bool:
    """Whether a folder is a Zarr store."""
    return any((path / mark).is_file() for mark in MARKS)


def zarr_arrays(path: Path) -> dict[str, ZarrArray]:
    """List the arrays of a store: one, under the key "", or those of a group by name.

    Raises
    ------
    QembedError
        If the package is missing, or the store is damaged or holds other things than numbers.
    """
    import_zarr()
    try:
        opened = _open(path, "")
        members = {"": opened} if hasattr(opened, "shape") else dict(opened.arrays())
    except Exception as error:  # of any kind: the package has no tree of its own
        raise QembedError(f"{path}: not an intact Zarr store ({_why(error)})") from None
    if len(members) > MAX_ARRAYS:
        raise QembedError(f"{path}: it holds more than {MAX_ARRAYS} arrays")
    return {key: _described(path, key, array) for key, array in members.items()}


def read_zarr_rows(array: ZarrArray, count: int, start: int, stop: int) -> Iterator[AnyArray]:
    """Read the rows [start, stop) of the first axis in blocks of up to `count`.

    Raises
    ------
    QembedError
        If a chunk of it is damaged.
    """
    import_zarr()
    for first in range(start, stop, count):
        last = min(first + count, stop)
        try:
            rows = np.asarray(_open(array.path, array.key)[first:last])
        except Exception as error:  # of any kind: chunks are decoded by many packages
            raise QembedError(
                f"{array.path}: rows {first} to {last - 1} cannot be read ({_why(error)})"
            ) from None
        if rows.shape != (last - first, *array.shape[1:]) or rows.dtype.kind != array.dtype.kind:
            raise QembedError(f"{array.path}: it has changed while it was read")
        yield np.ascontiguousarray(rows, array.dtype.newbyteorder("="))


def import_zarr() -> Any:
    """Return the package.

    Raises
    ------
    QembedError
        If it is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise QembedError("reading Zarr needs a package: pip install 'qembed[dask]'") from None
    return zarr


def _open(path: Path, key: str) -> Any:
    return import_zarr().open(str(path), mode="r", path=key or None)


def _described(path: Path, key: str, array: Any) -> ZarrArray:
    name = f"array '{key}'" if key else "its array"
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "biuf" or not array.shape:
        raise QembedError(f"{path}: {name} holds {dtype}{list(array.shape)}, not rows of numbers")
    if math.prod(array.chunks) * dtype.itemsize > MAX_CHUNK_BYTES:
        raise QembedError(
            f"{path}: the chunks of {name} are larger than {MAX_CHUNK_BYTES >> 20} MB; store "
            "smaller ones"
        )
    return ZarrArray(path, key, tuple(array.shape), dtype)


def _why(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
