"""Write a model as .tflite, read it back, and refuse what would be another network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qembed.container import graph_hash
from qembed.errors import UnsupportedError
from qembed.export.tflite import to_file
from qembed.files import replacing
from qembed.importers import import_bytes
from qembed.ir import Graph
from qembed.tflite import writer


def write_tflite(graph: Graph, path: Path) -> int:
    """Write a model; return the size of the file.

    Raises
    ------
    UnsupportedError
        The format cannot state it, or not so that it is read as the same network.
    """
    raw = writer.write(to_file(graph))
    again = import_bytes(raw, graph.name, graph.profile)
    if graph_hash(_comparable(again)) != graph_hash(_comparable(graph)):
        raise UnsupportedError(
            f"model '{graph.name}' would be read back from a .tflite file as another network"
        )
    with replacing(path) as file:
        file.write(raw)
    return len(raw)


def _comparable(graph: Graph) -> Graph:
    """Return the graph without what files say otherwise.

    Some store 4-bit rows in bytes; and the shapes of a fully connected layer's tensors say whether
    its input is cut into rows.
    """
    same = {"weight_bits": 8, "keep_dims": False}
    nodes = []
    for node in graph.nodes:
        if hasattr(node.params, "weight_bits"):
            fields = {name: v for name, v in same.items() if hasattr(node.params, name)}
            node = replace(node, params=replace(node.params, **fields))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))
