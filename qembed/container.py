"""The model file: one `.npz` with a JSON document and plain arrays. docs/model-format.md.

The document is `qembed.ir.Graph` field for field. The archive holds no Python objects, every size
is checked before it is believed, and what `load` returns has passed `qembed.validate`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from qembed import files
from qembed.codec import decode, encode, encode_fields
from qembed.errors import ModelError, QembedError
from qembed.ir import AnyArray, Graph, Node, Tensor
from qembed.validate import validate

VERSION = 1
MANIFEST = "manifest"


def save(graph: Graph, path: str | Path) -> None:
    """Write `graph` as a model file. The same graph gives the same bytes.

    Raises
    ------
    ModelError
        If the graph is not sound.
    QembedError
        If the file cannot be written; an older file of that name is then left as it was.
    """
    validate(graph)
    arrays: dict[str, AnyArray] = {}

    def store(array: AnyArray, where: str) -> str:
        arrays[where] = array
        return where

    document = {"format": "qembed", "version": VERSION, **encode_fields(graph, "", store)}
    manifest = json.dumps(document, allow_nan=False)
    path = Path(path)
    try:
        with files.replacing(path) as file:
            # NumPy's stubs take the keys of `arrays` for the option allow_pickle.
            np.savez_compressed(file, manifest=np.array(manifest), **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise QembedError(f"{path} cannot be written: {error.strerror}") from None


def load(path: str | Path) -> Graph:
    """Read a model file and check everything in it.

    Raises
    ------
    ModelError
        In one sentence, whatever is wrong with the file or the model.
    """
    path = Path(path)
    try:
        arrays = files.read_npz(path)
    except QembedError as error:
        raise ModelError(str(error)) from None
    try:
        return _decode_graph(arrays)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def is_model(path: Path) -> bool:
    """Tell whether a file claims to be a model: an `.npz` archive with a manifest."""
    try:
        return MANIFEST in files.stored_arrays(path)
    except QembedError:
        return False


def graph_hash(graph: Graph) -> bytes:
    """Return the SHA-256 of everything that executes, 32 bytes.

    Tensors (shape, type, quantization, constant, reset value), nodes (operator, parameters, edges),
    inputs and outputs. Not: names, classes, samples, provenance; nor how arrays lie in memory or
    how a file stores them.
    """

    def digest(array: AnyArray, _: str) -> str:
        flat = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        content = hashlib.sha256(flat.tobytes()).hexdigest()
        return f"{array.dtype.name}{list(array.shape)}:{content}"

    def nameless(parts: tuple[Tensor, ...] | tuple[Node, ...]) -> list[dict[str, Any]]:
        return [encode_fields(dataclasses.replace(part, name=""), "", digest) for part in parts]

    executed = {
        "version": VERSION,
        "tensors": nameless(graph.tensors),
        "nodes": nameless(graph.nodes),
        "inputs": encode(graph.inputs, tuple[int, ...], "", digest),
        "outputs": encode(graph.outputs, tuple[int, ...], "", digest),
    }
    text = json.dumps(executed, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).digest()


def _decode_graph(arrays: dict[str, AnyArray]) -> Graph:
    document = _parse_manifest(arrays)
    if document.pop("format", None) != "qembed":
        raise ModelError("its manifest does not say that its format is qembed")
    version = document.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise ModelError(f"its version is not {VERSION}, the one that this qembed reads")
    used = {MANIFEST}

    def fetch(key: str) -> AnyArray | None:
        used.add(key)
        return arrays.get(key)

    graph = validate(decode(document, Graph, "", fetch))
    if len(used) != len(arrays):
        raise ModelError(f"nothing refers to its array '{min(set(arrays) - used)}'")
    return graph


def _parse_manifest(arrays: dict[str, AnyArray]) -> dict[str, Any]:
    manifest = arrays.get(MANIFEST)
    if manifest is None or manifest.dtype.kind != "U" or manifest.ndim:
        raise ModelError("it has no manifest, a JSON text, and so is no qembed model")
    try:
        text = manifest.astype(f"<{manifest.dtype.str[1:]}").tobytes().decode("utf-32-le")
        document = json.loads(
            text.rstrip("\0"), object_pairs_hook=_unique_keys, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise ModelError(f"its manifest is no JSON document ({error})") from None
    if not isinstance(document, dict):
        raise ModelError("its manifest is no JSON object")
    return document


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("an object has a key twice")
    return document


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")
