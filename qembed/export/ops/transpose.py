"""TRANSPOSE on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.transpose import Transpose


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Transpose = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    strides = fields.dense_strides(x.shape)
    (walk,) = fields.walks(["walk"], y.shape, [[strides[axis] for axis in params.permutation]])
    return Lowering(
        stem="transpose",
        variant="portable",
        function="qe_transpose",
        params_type="qe_transpose_params",
        fields={"walk": walk, "element_bytes": fields.item_bytes(x)},
        sources=("portable/qe_transpose.c", "portable/qe_copy.c"),
        headers=("qe_transpose.h",),
    )
