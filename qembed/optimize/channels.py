"""Take channels out: those proved constant, and those that nobody reads.

A channel is an index of a tensor's last axis. Pooling, sums and depthwise convolutions tie the
channels of their inputs and outputs together: a *bundle* of tensors, which lose the same channels
or none. The rows of convolutions and fully connected layers fill a bundle, their columns read it. A
channel goes if to every column that reads it, it is harmless: zero in each row that is kept, or a
constant that adds the same number at every place, which the bias then holds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.ir import AnyArray, Graph, Node
from qembed.optimize.intervals import SUMS, Interval, accumulator, contribution
from qembed.optimize.removal import Removal

Intervals = dict[int, Interval]


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A layer whose columns read a bundle.

    Attributes
    ----------
    node : Node
    harmless : bool ndarray, shape (C, O)
        Whether output channel o can do without input channel c.
    """

    node: Node
    harmless: AnyArray


def apply(graph: Graph, ends: Intervals) -> tuple[Graph, tuple[Removal, ...]]:
    """Take out every channel that `ends`, the intervals of the graph's bytes, allow to."""
    settled = dataclasses.replace(graph, nodes=tuple(_settle(node, ends) for node in graph.nodes))
    bundle = _bundles(settled)
    kept = _kept_channels(settled, bundle, ends)
    keep = {index: kept[root] for index, root in bundle.items() if not kept[root].all()}
    removed = tuple(r for node in graph.nodes for r in _removals(node, keep, ends))
    if not keep:
        return graph, ()
    tensors = list(graph.tensors)
    for index, mask in keep.items():
        old = tensors[index]
        data = None if old.data is None else np.ascontiguousarray(old.data[..., mask])
        shape = (*old.shape[:-1], int(mask.sum()))
        tensors[index] = dataclasses.replace(old, shape=shape, data=data)
    nodes = tuple(_cut(node, settled, keep, ends) for node in settled.nodes)
    return dataclasses.replace(graph, tensors=tuple(tensors), nodes=nodes), removed


def _settle(node: Node, ends: Intervals) -> Node:
    """Let rows whose output is one number whatever the input read nothing, and say that number."""
    if node.op not in SUMS:
        return node
    y = ends[node.outputs[0]]
    first = y.low.reshape(-1, y.low.shape[-1])[0]
    same = (y.low == first) & (y.high == first)
    fixed = same.reshape(-1, first.size).all(axis=0)
    if not fixed.any():
        return node
    # Any sum that the row can reach gives this number.
    reached = accumulator(node, ends[node.inputs[0]])[0].reshape(-1, first.size)[0]
    bias = np.where(fixed, reached, node.params.bias).astype(node.params.bias.dtype)
    axis = -1 if node.op == "depthwise_conv" else 0
    rows = np.moveaxis(node.params.weights.copy(), axis, 0)
    rows[fixed] = 0
    weights = np.ascontiguousarray(np.moveaxis(rows, 0, axis))
    return dataclasses.replace(
        node, params=dataclasses.replace(node.params, weights=weights, bias=bias)
    )


# Which tensors lose channels together -----------------------------------------------------------


def _bundles(graph: Graph) -> dict[int, int]:
    """Return the bundle of each tensor that may lose channels: any index that stands for it."""
    parent = list(range(len(graph.tensors)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    pinned = {*graph.inputs, *graph.outputs, *graph.state}
    for node in graph.nodes:
        tied = _tied(graph, node)
        for index in tied[1:]:
            parent[root(index)] = root(tied[0])
        free = {*tied, *_read_by_columns(graph, node), *_filled_by_rows(graph, node)}
        pinned.update({*node.inputs, *node.outputs} - free)
    roots = {root(index) for index in pinned}
    used = {index for node in graph.nodes for index in (*node.inputs, *node.outputs)}
    return {index: root(index) for index in used if root(index) not in roots}


def _tied(graph: Graph, node: Node) -> tuple[int, ...]:
    """Tensors of a node that works channel by channel."""
    x, y = node.inputs[0], node.outputs[0]
    channels = [graph.tensors[i].shape[-1:] for i in (*node.inputs, y)]
    if any(c != channels[-1] or not c for c in channels[: len(node.inputs)]):
        return ()
    last = len(graph.tensors[x].shape) - 1
    channelwise = {
        "add": True,
        "average_pool": True,
        "depthwise_conv": True,
        "max_pool": True,
        "mean": node.op == "mean" and last not in node.params.axes,
        "pad": node.op == "pad" and node.params.padding[-1] == (0, 0),
        "reshape": True,
    }
    return (*node.inputs, y) if channelwise.get(node.op, False) else ()


def _read_by_columns(graph: Graph, node: Node) -> tuple[int, ...]:
    if node.op not in ("conv", "fully_connected"):
        return ()
    shape = graph.tensors[node.inputs[0]].shape
    width = node.params.weights.shape[-1]
    whole = width == shape[-1] if node.op == "conv" else bool(shape) and width % shape[-1] == 0
    return node.inputs if whole else ()


def _filled_by_rows(graph: Graph, node: Node) -> tuple[int, ...]:
    channels = graph.tensors[node.inputs[0]].shape[-1:]
    if node.op == "depthwise_conv":
        return node.outputs if channels == (1,) and not _tied(graph, node) else ()
    if node.op == "conv":
        return node.outputs if channels == node.params.weights.shape[-1:] else ()
    return node.outputs if node.op == "fully_connected" else ()


# Which channels stay ----------------------------------------------------------------------------


def _kept_channels(graph: Graph, bundle: dict[int, int], ends: Intervals) -> dict[int, AnyArray]:
    """Return by bundle which channels stay: bool, shape (C,); at least one does."""
    kept = {root: np.ones(graph.tensors[root].shape[-1], bool) for root in bundle.values()}
    readers: dict[int, list[Reader]] = {root: [] for root in kept}
    for node in graph.nodes:
        for index in _read_by_columns(graph, node):
            if index in bundle:
                readers[bundle[index]].append(Reader(node, _harmless(graph, node, ends)))
    changed = True
    while changed:  # every channel that goes may leave others without a reader
        changed = False
        for root in sorted(kept, reverse=True):
            needed = np.zeros_like(kept[root])
            for reader in readers[root]:
                rows = kept.get(bundle.get(reader.node.outputs[0], -1), slice(None))
                needed |= ~reader.harmless[:, rows].all(axis=1)
            needed &= kept[root]
            if not needed.any():
                needed[np.flatnonzero(kept[root])[0]] = True  # a tensor has at least one channel
            changed = changed or bool((needed != kept[root]).any())
            kept[root] = needed
    return kept


def _harmless(graph: Graph, node: Node, ends: Intervals) -> AnyArray:
    """Which output channels can do without which input channels, (C, O): see `Reader`."""
    x = graph.tensors[node.inputs[0]]
    count, params = x.shape[-1], node.params
    columns = params.weights.reshape(params.weights.shape[0], -1, count)
    harmless: AnyArray = (columns == 0).all(axis=1).T
    interval = ends[node.inputs[0]]
    for channel in np.flatnonzero(interval.constant_channels()):
        alone = columns[:, :, channel].reshape(*params.weights.shape[:-1], -1)
        added = contribution(node, alone, interval.low[..., [channel]])
        added = added.reshape(-1, added.shape[-1])
        harmless[channel] |= (added == added[0]).all(axis=0)
    return harmless


def _removals(node: Node, keep: dict[int, AnyArray], ends: Intervals) -> tuple[Removal, ...]:
    """Tell what a node with weights lost."""
    mask = keep.get(node.outputs[0])
    if mask is None or node.op not in SUMS:
        return ()
    constant = ends[node.outputs[0]].constant_channels()
    lost = (
        Removal(node.name, "constant", _indices(~mask & constant)),
        Removal(node.name, "unread", _indices(~mask & ~constant)),
    )
    return tuple(removal for removal in lost if removal.channels)


def _indices(mask: AnyArray) -> tuple[int, ...]:
    return tuple(map(int, np.flatnonzero(mask)))


# The smaller nodes ------------------------------------------------------------------------------


def _cut(node: Node, graph: Graph, keep: dict[int, AnyArray], ends: Intervals) -> Node:
    """Rewrite a node for tensors that have lost channels."""
    params = node.params
    if node.op == "reshape" and node.outputs[0] in keep:
        shape = (*params.shape[:-1], int(keep[node.outputs[0]].sum()))
        params = dataclasses.replace(params, shape=shape)
    if node.inputs[0] in keep and _read_by_columns(graph, node):
        params = _without_columns(node, keep[node.inputs[0]], ends[node.inputs[0]])
    if node.outputs[0] in keep and node.op in SUMS:
        axis = -1 if node.op == "depthwise_conv" else 0
        params = _without_rows(params, keep[node.outputs[0]], axis)
    return dataclasses.replace(node, params=params)


def _without_columns(node: Node, keep: AnyArray, x: Interval) -> Any:
    """Drop columns; the bias takes what constants would have added."""
    params = node.params
    columns = params.weights.reshape(params.weights.shape[0], -1, keep.size)
    gone = columns * (~keep & x.constant_channels()).astype(np.int8)
    added = contribution(node, gone.reshape(params.weights.shape), x.low)
    # The same at every place in rows that stay; other rows are dropped next.
    bias = (params.bias + added.reshape(-1, added.shape[-1])[0]).astype(params.bias.dtype)
    shape = (*params.weights.shape[1:-1], -1)
    weights = np.ascontiguousarray(columns[:, :, keep]).reshape(columns.shape[0], *shape)
    return dataclasses.replace(params, weights=weights, bias=bias)


def _without_rows(params: Any, keep: AnyArray, axis: int) -> Any:
    """Drop rows of weights with their biases, multipliers and scales."""

    def of_channel(array: AnyArray | None) -> AnyArray | None:
        each = array is not None and array.size == keep.size
        return array[keep] if array is not None and each else array

    by = params.requantization
    return dataclasses.replace(
        params,
        weights=np.ascontiguousarray(np.compress(keep, params.weights, axis=axis)),
        bias=params.bias[keep],
        requantization=dataclasses.replace(
            by,
            multiplier=of_channel(by.multiplier),
            shift=of_channel(by.shift),
            real=of_channel(by.real),
        ),
        weight_scale=of_channel(params.weight_scale),
    )
