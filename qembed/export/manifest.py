"""What the host keeps of an export: enough to name and check every byte that the device reports."""

from __future__ import annotations

import json
from typing import Any

import qembed
from qembed.container import graph_hash
from qembed.export.model import ModelSources, describe
from qembed.export.sizes import Sizes
from qembed.ir import Graph
from qembed.plan.layout import axes
from qembed.targets import Target

FORMAT, VERSION = "qembed-export", 1


def manifest(graph: Graph, target: Target, model: ModelSources) -> dict[str, Any]:
    """Describe an export in plain values, ready for JSON.

    ``layers[i]`` is the i-th QE_LAYER_DONE of an inference. A tensor's bytes lie at ``offset`` in
    the arena, its elements in the order of ``axes`` (the last one varies fastest); a tensor that is
    never whole, because its layers run row by row, has no offset.
    """
    plan = model.plan
    return {
        "format": FORMAT,
        "version": VERSION,
        "qembed": qembed.__version__,
        "model": graph.name,
        "hash": graph_hash(graph).hex(),
        "profile": graph.profile,
        "prefix": model.prefix,
        "target": target.name,
        "export_id": model.export_id,
        "arena_bytes": plan.arena_bytes,
        "arena_alignment": plan.alignment,
        "arena_lower_bound": plan.lower_bound,
        "constant_bytes": sum(model.arrays.values()),
        "inputs": [_tensor(graph, model, i) for i in graph.inputs],
        "outputs": [_tensor(graph, model, i) for i in graph.outputs],
        "layers": [
            {
                "index": index,
                **_node(graph, model, layer.node),
                **_tensor(graph, model, layer.tensor),
            }
            for index, layer in enumerate(plan.layers)
        ],
    }


def _tensor(graph: Graph, model: ModelSources, index: int) -> dict[str, Any]:
    tensor = graph.tensors[index]
    return {
        "tensor": index,
        "tensor_name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "axes": list(axes(tensor.shape, model.orders.get(index, "nhwc"))),
        "offset": model.plan.offsets.get(index),
        "bytes": tensor.nbytes,
        "scale": tensor.quantization.scale if tensor.quantization else None,
        "zero_point": tensor.quantization.zero_point if tensor.quantization else None,
    }


def _node(graph: Graph, model: ModelSources, n: int) -> dict[str, Any]:
    lowering, start = model.lowerings[n], f"{model.prefix}_{n}_"
    return {
        "node": n,
        "name": graph.nodes[n].name,
        "op": graph.nodes[n].op,
        "description": describe(graph, n),
        "variant": lowering.variant,
        "function": lowering.function,
        "traversal": model.plan.traversals[n].name,
        "scratch_bytes": model.plan.traversals[n].scratch,
        "constant_bytes": sum(
            size for name, size in model.arrays.items() if name.startswith(start)
        ),
    }


def size_report(manifest: dict[str, Any], sizes: Sizes | None) -> dict[str, Any]:
    """Sizes in bytes by section: known from the plan and, if `sizes` is given, as compiled."""
    report: dict[str, Any] = {
        "arena_bytes": manifest["arena_bytes"],
        "constant_bytes": manifest["constant_bytes"],
        "compiled": None,
    }
    if sizes is not None:
        report["compiled"] = {
            "compiler": sizes.compiler,
            "code": sizes.code,
            "tables": sizes.constants,
            "weights": sizes.weights,
            "variables": sizes.data,
            "flash": sizes.flash,
        }
    return report


def to_json(document: dict[str, Any]) -> bytes:
    """Text of a document: the same document gives the same bytes."""
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False).encode() + b"\n"
