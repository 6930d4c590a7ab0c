"""Exports that this computer made, by the hash that a board reports: model and layers.

They are kept in the user's cache, one folder a model: the model file, and the manifest of every
different export of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qembed import container
from qembed.container import graph_hash
from qembed.device.host_tools import cache_folder
from qembed.errors import DeviceError, QembedError
from qembed.export.manifest import to_json
from qembed.files import write_text
from qembed.ir import Graph
from qembed.protocol.messages import Model
from qembed.verify.layers import ReportedLayer, layers_from_manifest

MODEL_FILE = "model.npz"


def keep(graph: Graph, manifest: dict[str, Any]) -> None:
    """Remember an export, so that a board with it can be verified without naming its model.

    Raises
    ------
    QembedError
        If the cache cannot be written.
    """
    folder = _folder(graph_hash(graph))
    text = to_json(manifest).decode()
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / f"{name}.json").exists():
            write_text(folder / f"{name}.json", text)
    except OSError as error:
        raise QembedError(f"{folder}: {(error.strerror or str(error)).lower()}") from None
    if not (folder / MODEL_FILE).exists():
        container.save(graph, folder / MODEL_FILE)


def model_on(models: Sequence[Model]) -> Graph:
    """Return the model that a board holds, from what was exported here.

    Raises
    ------
    DeviceError
        If the board holds several models, or one that was not exported here.
    """
    if len(models) != 1:
        names = ", ".join(f"'{model.name}'" for model in models) or "none"
        raise DeviceError(f"the board holds {len(models)} models ({names}): name one with MODEL")
    path = _folder(models[0].hash) / MODEL_FILE
    if not path.exists():
        raise DeviceError(
            f"the board holds model '{models[0].name}' ({models[0].hash.hex()[:12]}), which was not"
            " exported on this computer: name its file with MODEL"
        )
    graph = container.load(path)
    if graph_hash(graph) != models[0].hash:
        raise DeviceError(f"{path} is not the model that its folder is named after: delete it")
    return graph


def layers_on(graph: Graph, model: Model) -> tuple[ReportedLayer, ...]:
    """Return what the layers of a firmware are, by the export that it was made from.

    Raises
    ------
    DeviceError
        If the export that the board names is not known here.
    """
    if model.layers == 0:
        return ()  # somebody's own runtime that reports its outputs alone
    for manifest, layers in _exports(graph):
        if model.export_id and manifest.get("export_id") == model.export_id:
            return layers
    raise DeviceError(
        f"the firmware of model '{model.name}' is of export '{model.export_id}', which was not"
        " made on this computer: name the .json of that export with --export"
    )


def read_manifest(path: Path, graph: Graph) -> tuple[ReportedLayer, ...]:
    """Read the ``<prefix>.json`` of an export.

    Raises
    ------
    QembedError
        If it is no such file, or of another model.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise QembedError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, RecursionError):
        raise QembedError(f"{path} is not the .json of an export") from None
    if not isinstance(manifest, dict) or manifest.get("hash") != graph_hash(graph).hex():
        raise QembedError(f"{path} is not the .json of an export of model '{graph.name}'")
    return layers_from_manifest(manifest, graph)


def _folder(digest: bytes) -> Path:
    return cache_folder() / "exports" / digest.hex()


def _exports(graph: Graph) -> Iterator[tuple[dict[str, Any], tuple[ReportedLayer, ...]]]:
    """Manifest and layers of every export of a model that is kept and sound."""
    for path in sorted(_folder(graph_hash(graph)).glob("*.json")):
        try:
            layers = read_manifest(path, graph)
            yield json.loads(path.read_text(encoding="utf-8")), layers
        except (QembedError, OSError, ValueError):
            continue  # written by another version, or damaged: as if it were not there
