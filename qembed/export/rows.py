"""Kernels that compute one row of a layer: what row streaming calls.

Any kernel can: a row is a layer of its own, whose input is the window of rows that it sees. Those
rows are copied next to each other first, unless there is only one, or a tuned kernel takes them
where they lie.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from qembed.export import fields
from qembed.export.lowering import Lowering, Value
from qembed.export.ops import ROW_KERNELS, candidates
from qembed.ir import Graph, Node, Tensor
from qembed.ops.average_pool import AveragePool
from qembed.ops.concatenation import Concatenation
from qembed.ops.mean import Mean
from qembed.plan.layout import Orders
from qembed.plan.rows import RowDemand
from qembed.targets import Target

MOST_ROWS = 16
"""QE_ROW_POINTERS: rows that one step can read."""

WINDOWS = ("conv", "depthwise_conv", "average_pool", "max_pool")
BY_ELEMENT = ("add", "mul", "extremum", "lookup", "quantize", "sigmoid", "squared_difference")
SUMS = {"average_pool": "qe_average_pool_rows", "mean": "qe_mean_rows"}

Call = Literal["plain", "gathered", "pointers", "folding"]


@dataclass(frozen=True, slots=True, eq=False)
class RowForm:
    """How a node computes a row.

    Attributes
    ----------
    lowering : Lowering
        Of one row.
    demand : RowDemand
    call : Call
        The kernel takes its rows as inputs; the window that `gather` copies; the array of row
        pointers; or one row, what it keeps and the number of the step.
    gather : mapping
        ``qe_row_gather``.
    gather_bytes : int
        Of the window; the kernel's own scratch lies behind it.
    """

    lowering: Lowering
    demand: RowDemand
    call: Call
    gather: Mapping[str, Value]
    gather_bytes: int = 0


def row_forms(node: Node, graph: Graph, target: Target) -> dict[Orders, RowForm]:
    """Lower a node for one row, in every storage order that a kernel has; empty if none can.

    "planar" means that each row is stored plane by plane.
    """
    tensors = [graph.tensors[i] for i in (*node.inputs, *node.outputs)]
    if any(t.data is not None or t.reset_value is not None for t in tensors):
        return {}
    x, y = tensors[0], tensors[-1]
    if not _is_image(x) or len(node.outputs) != 1:
        return {}
    if _folds(node, x):
        return _folding(node, x)
    images = all(_is_image(t) and t.shape[1] == y.shape[1] for t in tensors[1:])
    if not images or (x.shape[1] != y.shape[1] and node.op not in WINDOWS):
        return {}
    if node.op in WINDOWS:
        return _windowed(node, x, y, target)
    joins = isinstance(node.params, Concatenation) and node.params.axis == 3
    same = node.op in BY_ELEMENT and all(t.shape == y.shape for t in tensors)
    if not (joins or same) or len(node.inputs) > MOST_ROWS:
        return {}
    rows = [replace(t, shape=(1, 1, *t.shape[2:])) for t in tensors]
    found = _candidates(node, rows, target)
    return {
        orders: RowForm(low, RowDemand(scratch=low.scratch_bytes), "plain", {})
        for orders, low in found.items()
    }


def _is_image(tensor: Tensor) -> bool:
    return len(tensor.shape) == 4 and tensor.shape[0] == 1


def _candidates(node: Node, tensors: list[Tensor], target: Target) -> dict[Orders, Lowering]:
    """Lower a node for other shapes than its own."""
    count = len(tensors)
    alone = replace(node, inputs=tuple(range(count - 1)), outputs=(count - 1,))
    small = Graph("row", tuple(tensors), (alone,), alone.inputs, alone.outputs)
    found = candidates(alone, small, target)
    # Forward: the order in which a kernel writes a row is nobody's concern.
    return {orders: replace(low, others=()) for orders, low in found.items()}


def _windowed(node: Node, x: Tensor, y: Tensor, target: Target) -> dict[Orders, RowForm]:
    """Lower a sliding window: its rows are a small image without padding above and below."""
    params = node.params
    window = params.window if hasattr(params, "window") else _kernel_size(node)
    dilation = getattr(params, "dilation", (1, 1))
    taps, padding = window[0], params.padding[0][0]
    if max(taps, params.stride[0], dilation[0]) > 255 or taps > MOST_ROWS:
        return {}
    if isinstance(params, AveragePool) and params.padding[0] != (0, 0):
        return {}  # what is outside does not count
    small: dict[str, object] = {"padding": ((0, 0), params.padding[1])}
    if dilation[0] > 1:
        small["dilation"] = (1, dilation[1])  # only the rows that count are gathered
    shapes = (1, taps, *x.shape[2:]), (1, 1, *y.shape[2:])
    alone = replace(node, params=replace(params, **small))
    rows = [replace(x, shape=shapes[0]), replace(y, shape=shapes[1])]
    demand = RowDemand(taps, params.stride[0], padding, dilation[0])
    fill = getattr(params, "input_zero_point", int(np.iinfo(np.dtype(x.dtype)).min))
    forms: dict[Orders, RowForm] = {}
    for orders, low in _candidates(alone, rows, target).items():
        tuned = ROW_KERNELS.get(low.variant, {}).get(node.op)
        if tuned:
            kernel = tuned(low, alone.params, shapes[0])
            scratch = kernel.scratch_bytes
            forms[orders] = RowForm(kernel, replace(demand, scratch=scratch), "pointers", {})
        elif taps == 1 and padding == 0:
            forms[orders] = RowForm(low, replace(demand, scratch=low.scratch_bytes), "plain", {})
        else:
            forms[orders] = _gathered(low, demand, rows[0], orders, fill)
    return forms


def _kernel_size(node: Node) -> tuple[int, int]:
    shape = node.params.weights.shape
    return (shape[1], shape[2]) if node.op == "conv" else (shape[0], shape[1])


def _gathered(
    low: Lowering, demand: RowDemand, window: Tensor, orders: Orders, fill: int
) -> RowForm:
    """Let a kernel that wants an image have one: of rows that are copied together."""
    _, taps, width, channels = window.shape
    planar = orders.inputs == "planar"
    size = -(-window.nbytes // 4) * 4
    return RowForm(
        low,
        replace(demand, scratch=size + low.scratch_bytes),
        "gathered",
        {
            "taps": taps,
            "planes": channels if planar else 1,
            "run": width if planar else width * channels,
            "value_bytes": fields.item_bytes(window),
            "fill": fill,
        },
        size,
    )


def _folds(node: Node, x: Tensor) -> bool:
    """Whether a node reduces an image to one pixel by summing, and the sums fit 31 bits."""
    params = node.params
    if x.dtype not in ("int8", "int16") or math.prod(x.shape[1:3]) > 1 << 15:
        return False
    if isinstance(params, AveragePool):
        return params.window == x.shape[1:3] and params.padding == ((0, 0), (0, 0))
    return isinstance(params, Mean) and params.axes == (1, 2)


def _folding(node: Node, x: Tensor) -> dict[Orders, RowForm]:
    """Lower a mean over the image: it keeps sums from row to row."""
    params, (_, height, width, channels) = node.params, x.shape
    if isinstance(params, AveragePool):
        low, high = params.activation_range
        rest: dict[str, Value] = {"activation_min": low, "activation_max": high}
    else:
        rest = {
            "scale": fields.scale(params.requantization),
            "input_zero_point": params.input_zero_point,
            "output_zero_point": params.output_zero_point,
        }
    forms = {}
    for order, steps in (("nhwc", (channels, 1)), ("planar", (1, width))):
        sums = dict(
            zip(
                ("rows", "pixels", "channels", "pixel_step", "channel_step"),
                (height, width, channels, *steps),
                strict=True,
            )
        )
        lowering = Lowering(
            stem=node.op,
            variant="portable",
            function=f"{SUMS[node.op]}_{fields.SUFFIX[x.dtype]}",
            params_type=f"{SUMS[node.op]}_params",
            fields={"sums": sums, **rest},
            sources=("portable/qe_row_sums.c", "portable/qe_fixedpoint.c"),
            headers=("qe_row_sums.h",),
        )
        orders = Orders("planar" if order == "planar" else "nhwc", "nhwc")
        demand = RowDemand(folds=True, kept=4 * channels)
        forms[orders] = RowForm(replace(lowering, orders=orders), demand, "folding", {})
    return forms


def interleaved(form: RowForm, plane: int) -> RowForm | None:
    """Let a kernel write its rows into an image that is stored plane by plane.

    Parameters
    ----------
    plane : int
        Pixels of a plane.

    Returns
    -------
    RowForm or None
        None if the kernel cannot.
    """
    if "channel_step" not in form.lowering.fields:
        return None
    wider = {**form.lowering.fields, "channel_step": plane}
    return replace(form, lowering=replace(form.lowering, fields=wider))
