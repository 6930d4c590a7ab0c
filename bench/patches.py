"""What spatial patches would need, against row streaming: docs/adr/0016 has the table.

    python bench/patches.py [MODEL.tflite ...]

A stage of the first layers is computed patch by patch, each with the rows and columns around it
that its layers see; the layers behind run as usual. Counted in favour of patches: a patch needs no
scratch, its buffers lie over each other as well as any plan could have it, and the layers behind
cost nothing. Row streaming is as planned for a Cortex-M4, scratch and counters included.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from pathlib import Path

from qembed.export.streaming import plan_streaming
from qembed.importers import import_model
from qembed.ir import Graph
from qembed.ops import OPERATORS
from qembed.plan.rows import needed_later
from qembed.targets import load_target

MODELS = ("kws_int8", "ic_int8", "person_detect")
GRIDS = (2, 3, 4, 6)
WINDOWS = ("conv", "depthwise_conv", "average_pool", "max_pool")

Box = tuple[tuple[int, int], tuple[int, int]]
"""First and last row, first and last column."""


def window_of(graph: Graph, n: int) -> list[tuple[int, int, int]]:
    """Size, stride and padding of a node's window, by axis."""
    node = graph.nodes[n]
    if node.op not in WINDOWS:
        return [(1, 1, 0), (1, 1, 0)]
    params = node.params
    if hasattr(params, "window"):
        size = params.window
    else:
        shape = params.weights.shape
        size = shape[1:3] if node.op == "conv" else shape[:2]
    return [(size[i], params.stride[i], params.padding[i][0]) for i in (0, 1)]


def needed(graph: Graph, n: int, box: Box, source: int) -> Box:
    """Region of an input that a region of a node's output reads."""
    shape = graph.tensors[source].shape
    ends = []
    for axis, (size, stride, padding) in enumerate(window_of(graph, n)):
        first = max(box[axis][0] * stride - padding, 0)
        last = min(box[axis][1] * stride - padding + size - 1, shape[1 + axis] - 1)
        ends.append((first, max(last, first)))
    return ends[0], ends[1]


def union(a: Box, b: Box) -> Box:
    rows, columns = ((min(p[0], q[0]), max(p[1], q[1])) for p, q in zip(a, b, strict=True))
    return rows, columns


def area(graph: Graph, tensor: int, box: Box) -> int:
    return math.prod(last - first + 1 for first, last in box) * graph.tensors[tensor].shape[3]


def patch(graph: Graph, stop: int, box: Box) -> tuple[int, float]:
    """Bytes of the fullest moment within one patch, its input and output apart; and its work."""
    boxes = {graph.nodes[stop - 1].outputs[0]: box}
    for n in reversed(range(stop)):
        if graph.nodes[n].outputs[0] not in boxes:
            continue
        for source in graph.nodes[n].inputs:
            seen = needed(graph, n, boxes[graph.nodes[n].outputs[0]], source)
            boxes[source] = union(boxes[source], seen) if source in boxes else seen
    last = {t: n for n in range(stop) for t in graph.nodes[n].inputs}
    peak, work = 0, 0.0
    outside = {*graph.inputs, graph.nodes[stop - 1].outputs[0]}
    for n in range(stop):
        made = graph.nodes[n].outputs[0]
        if made not in boxes:
            continue  # of a branch that the stage's output does not need
        alive = [t for t in boxes if t in last and _made(graph, t) < n <= last[t]]
        before = sum(area(graph, t, boxes[t]) for t in alive if t not in outside)
        after = area(graph, made, boxes[made]) if made not in outside else 0
        peak = max(peak, before, after)  # as if the output could always lie over the inputs
        whole = math.prod(graph.tensors[made].shape)
        work += macs(graph, n) * area(graph, made, boxes[made]) / whole
    return peak, work


def _made(graph: Graph, tensor: int) -> int:
    return next((n for n, node in enumerate(graph.nodes) if tensor in node.outputs), -1)


def macs(graph: Graph, n: int) -> int:
    node = graph.nodes[n]
    count = OPERATORS[node.op].macs
    tensors = (graph.tensors[i] for i in (*node.inputs, *node.outputs))
    return int(count(node.params, *tensors)) if count else 0


def plans(graph: Graph) -> Iterator[tuple[int, int, int, float]]:
    """Stage, patches a side, bytes, work over that of the network."""
    total = sum(macs(graph, n) for n in range(len(graph.nodes)))
    for stop in range(1, len(graph.nodes)):
        out = graph.nodes[stop - 1].outputs[0]
        shape = graph.tensors[out].shape
        if len(shape) != 4 or shape[1] < 2 or shape[2] < 2:
            return
        before = {t for node in graph.nodes[:stop] for t in node.outputs} | set(graph.inputs)
        if before & needed_later(graph, stop) != {out}:
            continue  # a branch goes around the stage's end
        kept = graph.tensors[graph.inputs[0]].nbytes + graph.tensors[out].nbytes
        for grid in GRIDS:
            cuts = [
                [(i * n // grid, (i + 1) * n // grid - 1) for i in range(grid)] for n in shape[1:3]
            ]
            found = [
                patch(graph, stop, (rows, columns))
                for rows in cuts[0]
                for columns in cuts[1]
                if rows[0] <= rows[1] and columns[0] <= columns[1]
            ]
            staged = sum(macs(graph, n) for n in range(stop))
            extra = (sum(work for _, work in found) - staged) / total
            yield stop, grid, kept + max(peak for peak, _ in found), extra


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    shared = Path(os.environ.get("QEMBED_SHARED", "../shared")) / "models"
    chip = load_target("cortex-m4")
    for path in parser.parse_args().models or [shared / f"{name}.tflite" for name in MODELS]:
        graph = import_model(path)
        streamed = plan_streaming(graph, chip).plan.arena_bytes
        found = list(plans(graph))
        print(f"{path.stem}: row streaming {streamed:,} bytes, no work twice")
        for limit in (0.05, 0.2, math.inf):
            fits = [plan for plan in found if plan[3] <= limit]
            if fits:
                stop, grid, size, extra = min(fits, key=lambda plan: plan[2])
                print(f"  patches {grid} x {grid} of {stop} layers: {size:,} bytes, {extra:+.1%}")


if __name__ == "__main__":
    main()
