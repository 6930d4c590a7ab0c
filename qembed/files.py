"""Files that others made, and files that others will read.

Reading: NumPy's `.npy` and `.npz` without pickle, every size checked against the file before a byte
of it is allocated. Writing: beside the target, then renamed, so that nobody meets half a file.
"""

from __future__ import annotations

import contextlib
import math
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from qembed.errors import QembedError
from qembed.ir import AnyArray

MAX_MEMBERS = 20_000
MAX_HEADER_BYTES = 10_000
MAX_RATIO = 200
"""A deflated archive may claim this many times its own size, and `FREE_BYTES` in any case."""
FREE_BYTES = 16 << 20

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    NotImplementedError,  # compression this Python does not know
    RuntimeError,  # encrypted
    UnicodeDecodeError,
    ValueError,
)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` when the block ends, and only if it ends well."""
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        Path(beside).chmod(0o666 & ~umask)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file, or none of it."""
    with replacing(path) as file:
        file.write(text.encode())


@contextlib.contextmanager
def growing_npy(path: Path, shape: tuple[int, ...], dtype: str) -> Iterator[IO[bytes]]:
    """Open an `.npy` file of a known shape: write the bytes of its rows, in C order."""
    header = {"descr": np.dtype(dtype).newbyteorder("<").str, "fortran_order": False}
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, header | {"shape": shape})
        yield file


def npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Read an `.npy` header: shape, type (plain numbers or text only), and Fortran order.

    Raises
    ------
    ValueError
        For anything else than plain numbers or text of non-negative sizes.
    """
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"npy format {version} is none of 1.0 and 2.0")
    try:
        shape, fortran, dtype = readers[version](file, max_header_size=MAX_HEADER_BYTES)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, UserWarning):
        raise ValueError("its npy header is damaged") from None
    if dtype.kind not in "biufU" or dtype.hasobject or dtype.itemsize == 0:
        raise ValueError(f"it holds {dtype}; only plain numbers are read, never Python objects")
    if any(n < 0 for n in shape):
        raise ValueError(f"its shape {shape} is negative")
    return shape, dtype, fortran


def read_npz(path: Path) -> dict[str, AnyArray]:
    """Read every array of an `.npz` archive: native byte order, C order, read-only.

    Raises
    ------
    QembedError
        If the file is missing, is no such archive, claims absurd sizes or holds Python objects.
    """
    with _explained(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_names(members)
        claimed, file_bytes = sum(info.file_size for info in members), path.stat().st_size
        if claimed > FREE_BYTES + MAX_RATIO * file_bytes:
            raise ValueError(f"an archive of {file_bytes} bytes claims to unpack to {claimed}")
        return {info.filename[:-4]: _read_member(archive, info) for info in members}


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array in a file, not read yet.

    Attributes
    ----------
    path : Path
    member : str
        Its entry in an `.npz` archive; empty for an `.npy` file.
    shape : tuple of int
    dtype : numpy.dtype
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype


def stored_arrays(path: Path) -> dict[str, StoredArray]:
    """List the arrays of an `.npy` (under the key "") or `.npz` file, told by content.

    Raises
    ------
    QembedError
        If it is neither, is cut short, or an array is not of plain numbers or text in C order.
    """
    with _explained(path):
        with path.open("rb") as file:
            mark = file.read(4)
            file.seek(0)
            if mark == b"\x93NUM":
                return {"": _stored(file, path, "", path.stat().st_size)}
        if mark[:2] != b"PK":
            raise ValueError("neither an .npy nor an .npz file")
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_names(members)
            arrays = {}
            for info in members:
                with archive.open(info) as entry:
                    key = info.filename[:-4]
                    arrays[key] = _stored(entry, path, info.filename, info.file_size)
            return arrays


def read_rows(
    array: StoredArray, count: int, start: int = 0, stop: int | None = None
) -> Iterator[AnyArray]:
    """Read the rows [start, stop) of an array's first axis in blocks of up to `count`.

    Raises
    ------
    QembedError
        If the file is damaged or has changed since it was listed.
    """
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    with _explained(array.path), _content(array) as file:
        file.seek(start * row, os.SEEK_CUR)
        stop = array.shape[0] if stop is None else stop
        for first in range(start, stop, count):
            rows = min(count, stop - first)
            content = file.read(rows * row)
            if len(content) != rows * row:
                raise ValueError("it is cut short")
            block = np.frombuffer(content, array.dtype).reshape(rows, *array.shape[1:])
            yield block.astype(array.dtype.newbyteorder("="), copy=False)


def read_stored(array: StoredArray) -> AnyArray:
    """Read a whole array; the same errors as `read_rows`."""
    with _explained(array.path), _content(array) as file:
        content = file.read(math.prod(array.shape) * array.dtype.itemsize)
        whole = np.frombuffer(content, array.dtype).reshape(array.shape)
        return whole.astype(array.dtype.newbyteorder("="), copy=False)


@contextlib.contextmanager
def _content(array: StoredArray) -> Iterator[IO[bytes]]:
    """Open an array's file behind its header."""
    with contextlib.ExitStack() as stack:
        file: IO[bytes]
        if array.member:
            archive = stack.enter_context(zipfile.ZipFile(array.path))
            file = stack.enter_context(archive.open(array.member))
        else:
            file = stack.enter_context(array.path.open("rb"))
        if npy_header(file)[:2] != (array.shape, array.dtype):
            raise ValueError("it has changed while it was read")
        yield file


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file causes into one sentence about it."""
    try:
        yield
    except BROKEN_ZIP as error:
        raise QembedError(f"{path}: {_why(error)}") from None


def _check_names(members: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in members]
    if len(names) > MAX_MEMBERS or len(set(names)) != len(names):
        raise ValueError(f"the archive has {len(names)} entries; too many, or some of equal name")
    for name in names:
        if not name.endswith(".npy"):
            raise ValueError(f"entry '{name}' is no array")


def _stored(file: IO[bytes], path: Path, member: str, file_bytes: int) -> StoredArray:
    shape, dtype, fortran = _header_of(file, member[:-4], file_bytes)
    if fortran and len(shape) > 1:
        raise ValueError(
            f"array '{member[:-4]}' is in Fortran order; save numpy.ascontiguousarray of it"
        )
    return StoredArray(path, member, shape, dtype)


def _header_of(
    file: IO[bytes], key: str, file_bytes: int
) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Read an `.npy` header and compare what it claims with the size of the file."""
    what = f"array '{key}'" if key else "its array"
    try:
        shape, dtype, fortran = npy_header(file)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    size = math.prod(shape) * dtype.itemsize
    if file.tell() + size != file_bytes:
        raise ValueError(
            f"{what} claims {dtype.name}{list(shape)} but has {file_bytes - file.tell()} bytes"
        )
    return shape, dtype, fortran


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> AnyArray:
    key = info.filename[:-4]
    with archive.open(info) as file:
        shape, dtype, fortran = _header_of(file, key, info.file_size)
        size = math.prod(shape) * dtype.itemsize
        content = file.read(size)
        if len(content) != size:
            raise ValueError(f"array '{key}' is cut short")
    if dtype.kind == "b" and content.strip(b"\0\1"):
        raise ValueError(f"array '{key}' holds truth values other than 0 and 1")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    array = np.ascontiguousarray(array, dtype.newbyteorder("=")).reshape(shape)
    array.flags.writeable = False
    return array


def _why(error: BaseException) -> str:
    """Say in a few words what the operating system or zipfile objects to."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, zipfile.BadZipFile):
        return f"not an intact .npz archive ({error})"
    return str(error) or type(error).__name__
