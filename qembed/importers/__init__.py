"""From the files of other tools to a Graph. The format is told by content, not by name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.importers.onnx import reader as onnx_reader
from qembed.importers.tflite import convert, floats
from qembed.ir import Graph
from qembed.numerics import profile_named
from qembed.tflite import reader

MAX_FILE_BYTES = 1 << 31
LONGEST_DESCRIPTION = 100
TFLITE_MARK = slice(4, 8), b"TFL3"


def import_model(path: Path, profile: str = "tflm") -> Graph:
    """Read a model of another tool.

    Parameters
    ----------
    path : Path
        A .tflite or .onnx file.
    profile : str
        Numerics profile to follow: a key of ``qembed.numerics.PROFILES``.

    Returns
    -------
    Graph
        Validated.

    Raises
    ------
    ModelError
        The file is not there, not a model, damaged, or not numerically sound.
    UnsupportedError
        It uses something that qembed does not implement; everything of it is listed.
    """
    try:
        graph = import_bytes(_read(path), path.stem, profile, path.parent)
    except QembedError as error:
        raise type(error)(f"{path}: {error}") from None
    return replace(graph, source={"file": path.name, **graph.source})


def import_bytes(raw: bytes, name: str, profile: str = "tflm", folder: Path | None = None) -> Graph:
    """Read a model from the bytes of a file; `name` becomes the graph's. See `import_model`.

    `folder` is where further files of a model may lie.
    """
    numerics = profile_named(profile)
    if _is_onnx(raw):
        from qembed.importers.onnx.convert import convert as convert_onnx  # slow to load

        model = onnx_reader.parse(raw, folder)
        return replace(convert_onnx(model, name, numerics), source=_onnx_source(model, raw))
    _require_tflite(raw)
    if numerics.in_float32:
        raise UnsupportedError(f"numerics profile '{profile}' is for .onnx models")
    file = reader.parse(raw)
    graph = convert.convert(file, name, len(raw), numerics)
    return replace(graph, source=_source(file, raw))


def import_float_model(path: Path) -> Graph:
    """Read a network of real numbers, as a float graph (`qembed.floats`).

    Parameters
    ----------
    path : Path
        A .tflite or .onnx file whose activations are float32; weights may be stored smaller.

    Raises
    ------
    ModelError, UnsupportedError
        As `import_model`; also if the network is quantized already.
    """
    try:
        raw = _read(path)
        if _is_onnx(raw):
            return _import_float_onnx(path, raw)
        _require_tflite(raw)
        file = reader.parse(raw)
        if not convert.is_float(file.subgraphs[0]):
            raise UnsupportedError("the network is quantized already; qembed import reads it")
        graph = floats.convert_float(file, path.stem, len(raw))
    except QembedError as error:
        raise type(error)(f"{path}: {error}") from None
    return replace(graph, source={"file": path.name, **_source(file, raw)})


def _import_float_onnx(path: Path, raw: bytes) -> Graph:
    from qembed.importers.onnx import convert as onnx_convert  # slow to load

    model = onnx_reader.parse(raw, path.parent)
    if not onnx_convert.is_float(model):
        raise UnsupportedError("the network is quantized already; qembed import reads it")
    graph = onnx_convert.convert(model, path.stem, None)
    return replace(graph, source={"file": path.name, **_onnx_source(model, raw)})


def _is_onnx(raw: bytes) -> bool:
    where, mark = TFLITE_MARK
    return raw[where] != mark and raw[:1] == onnx_reader.MARK


def _require_tflite(raw: bytes) -> None:
    where, mark = TFLITE_MARK
    if raw[where] != mark:
        raise UnsupportedError("this is neither a .tflite nor an .onnx model")


def _onnx_source(model: onnx_reader.Model, raw: bytes) -> dict[str, str]:
    source = {"format": "onnx", "sha256": hashlib.sha256(raw).hexdigest()}
    if model.producer:
        source["converter"] = model.producer[:LONGEST_DESCRIPTION]
    return source


def _source(file: reader.File, raw: bytes) -> dict[str, str]:
    """Where a graph comes from, for people."""
    source = {"format": "tflite", "sha256": hashlib.sha256(raw).hexdigest()}
    if file.description:
        source["converter"] = file.description[:LONGEST_DESCRIPTION]
    return source


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"the file has {size} bytes; the limit is {MAX_FILE_BYTES}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {getattr(error, 'strerror', error)}") from None
