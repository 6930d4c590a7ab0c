"""SLICE, STRIDED_SLICE, SPLIT and UNPACK on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.strided_slice import StridedSlice


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: StridedSlice = node.params
    x = graph.tensors[node.inputs[0]]
    strides = fields.dense_strides(x.shape)
    steps = [s * step for s, step in zip(strides, params.stride, strict=True)]
    (walk,) = fields.walks(["walk"], params.size, [steps])
    return Lowering(
        stem="strided_slice",
        variant="portable",
        function="qe_strided_slice",
        params_type="qe_strided_slice_params",
        fields={
            "walk": walk,
            "first": sum(s * begin for s, begin in zip(strides, params.begin, strict=True)),
            "element_bytes": fields.item_bytes(x),
        },
        sources=("portable/qe_strided_slice.c", "portable/qe_copy.c"),
        headers=("qe_strided_slice.h",),
    )
