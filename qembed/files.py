"""Files that others made, and files that others will read.

Reading: NumPy's `.npy` and `.npz` without pickle, every size checked against the file before a byte
of it is allocated. Writing: beside the target, then renamed, so that nobody meets half a file.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
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
    except (TypeError, SyntaxError, MemoryError, RecursionError, UserWarning):
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
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_sizes(members, path.stat().st_size)
            return {info.filename[:-4]: _read_member(archive, info) for info in members}
    except BROKEN_ZIP as error:
        raise QembedError(f"{path}: {_why(error)}") from None


def _check_sizes(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    names = [info.filename for info in members]
    if len(names) > MAX_MEMBERS or len(set(names)) != len(names):
        raise ValueError(f"the archive has {len(names)} entries; too many, or some of equal name")
    for name in names:
        if not name.endswith(".npy"):
            raise ValueError(f"entry '{name}' is no array")
    claimed = sum(info.file_size for info in members)
    if claimed > FREE_BYTES + MAX_RATIO * file_bytes:
        raise ValueError(f"an archive of {file_bytes} bytes claims to unpack to {claimed}")


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> AnyArray:
    key = info.filename[:-4]
    with archive.open(info) as file:
        try:
            shape, dtype, fortran = npy_header(file)
        except ValueError as error:
            raise ValueError(f"array '{key}': {error}") from None
        size = dtype.itemsize
        for n in shape:
            size *= n
        if file.tell() + size != info.file_size:
            raise ValueError(
                f"array '{key}' claims {dtype.name}{list(shape)} but has "
                f"{info.file_size - file.tell()} bytes"
            )
        content = file.read(size)
        if len(content) != size or file.read(1):  # the second read makes zipfile check the CRC
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
