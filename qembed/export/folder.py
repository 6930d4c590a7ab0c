"""Folders of files that appear whole or not at all, and never cost a user a file of their own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from qembed.errors import QembedError

MARKER = ".qembed-files.json"
"""Lists what an export wrote: only these files may be replaced by the next one."""

BUILD = "build"
"""Where the exported Makefile builds; deleted with the export that it belongs to."""


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make `folder` hold exactly `files` (and the list of them).

    Everything is written beside the folder, which then takes its place. An earlier export there
    is replaced.

    Parameters
    ----------
    folder : Path
    files : mapping of str to bytes
        By path below `folder`.

    Raises
    ------
    QembedError
        If the folder holds a file that no export wrote, or cannot be written.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  resolve() would follow the last link
    _require_ours(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _fill(beside / "new", files)
            _swap(beside / "new", folder, beside / "old")
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise QembedError(f"{folder} cannot be written: {error.strerror or error}") from None


def _swap(new: Path, folder: Path, old: Path) -> None:
    """Put `new` where `folder` is; what was there goes to `old`, or stays if this fails."""
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise


def _require_ours(folder: Path) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        raise QembedError(f"{folder} exists and is no folder: choose another place")
    ours = {MARKER, *_listed(folder)}
    is_export = (folder / MARKER).is_file()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        is_built = is_export and name.split("/")[0] == BUILD
        if is_folder or is_built or name in ours:
            continue
        raise QembedError(
            f"{folder} holds '{name}', which no export wrote: choose another folder or move it away"
        )


def _listed(folder: Path) -> list[str]:
    try:
        names = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    listing = json.dumps(sorted(files), indent=0).encode() + b"\n"
    for name, content in {**files, MARKER: listing}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
