"""BATCH_MATMUL on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.batch_matmul import BatchMatmul, matrix_shape


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: BatchMatmul = node.params
    x1, x2 = (graph.tensors[i] for i in node.inputs)
    y = graph.tensors[node.outputs[0]]
    rows, depth = matrix_shape(x1.shape, params.transpose1)
    columns = y.shape[-1]
    batch = y.shape[:-2]
    strides = [fields.broadcast_strides(x.shape, y.shape)[:-2] for x in (x1, x2)]
    walk1, walk2 = fields.walks(["walk1", "walk2"], batch, strides)
    return Lowering(
        stem="batch_matmul",
        variant="portable",
        function=f"qe_batch_matmul_{fields.SUFFIX[x1.dtype]}",
        params_type="qe_batch_matmul_params",
        fields={
            "matrices": {"walk1": walk1, "walk2": walk2},
            "rows": rows,
            "columns": columns,
            "depth": depth,
            "factor1": {
                "outer_stride": 1 if params.transpose1 else depth,
                "inner_stride": rows if params.transpose1 else 1,
                "zero_point": params.input1_zero_point,
            },
            "factor2": {
                "outer_stride": depth if params.transpose2 else 1,
                "inner_stride": 1 if params.transpose2 else columns,
                "zero_point": params.input2_zero_point,
            },
            "scale": fields.scale(params.requantization),
            "output_zero_point": params.output_zero_point,
        },
        sources=("portable/qe_batch_matmul.c", "portable/qe_fixedpoint.c"),
        headers=("qe_batch_matmul.h",),
    )
