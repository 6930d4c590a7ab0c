"""RESIZE_BILINEAR on the device."""

from __future__ import annotations

import numpy as np

from qembed.export import fields
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.resize_bilinear import Places, ResizeBilinear


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: ResizeBilinear = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    return Lowering(
        stem="resize_bilinear",
        variant="portable",
        function=f"qe_resize_bilinear_{fields.SUFFIX[x.dtype]}",
        params_type="qe_resize_bilinear_params",
        fields={
            "batch": x.shape[0],
            "input": {"h": x.shape[1], "w": x.shape[2]},
            "output": {"h": y.shape[1], "w": y.shape[2]},
            "channels": x.shape[3],
            "rows": _places("rows", params.rows),
            "columns": _places("columns", params.columns),
            "away": int(params.rounding == "double"),
        },
        sources=("portable/qe_resize_bilinear.c",),
        headers=("qe_resize_bilinear.h",),
    )


def _places(name: str, places: Places) -> fields.Fields:
    return {
        "low": fields.positions(f"{name}_low", places.low),
        "high": fields.positions(f"{name}_high", places.high),
        "fraction": CArray(f"{name}_fraction", "int16_t", places.fraction.astype(np.int16)),
    }
