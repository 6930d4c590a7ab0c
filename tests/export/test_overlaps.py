"""Every overlap that a kernel declares, run natively over its own input in poisoned memory."""

import os

import numpy as np
import pytest

from qembed.export.lowering import demand_of
from qembed.export.ops import TUNED, candidates
from support import native
from support.fast_layers import FAST_LAYERS, kinds_of
from support.layers import LAYERS

SHAPES = int(os.environ.get("QEMBED_OVERLAP_SHAPES", "150"))
"""Random layers of each operator; docs/memory.md says how many the claim rests on."""

NATIVE = ("compact", "compact_pairs", "dsp", "m0")
"""Helium kernels run on an emulated board alone."""
SLIDING = ("conv", "depthwise_conv", "average_pool", "max_pool")


def ways(graph, variant):
    """Every lowering of the graph's only node: all storage orders, all traversals."""
    for lowering in candidates(graph.nodes[0], graph, native.target_of(variant)).values():
        yield from (lowering, *lowering.others)


def distances(overlap, sizes, step, rng):
    """Distances to try: the ends of what is declared, and one beyond each, that do overlap."""
    first, second = sizes
    found = {0} if overlap.in_place else set()
    if overlap.below is not None:
        end = overlap.below // step * step
        found |= {end, end - step * int(rng.integers(1, 8))}
    if overlap.above is not None:
        end = -(-overlap.above // step) * step
        found |= {end, end + step * int(rng.integers(1, 8))}
    return sorted(d for d in found if -second < d < first)


def run_over(lowering, arrays, outputs, overlap, distance, rng):
    """Run with an output `distance` bytes from an input; return that output's bytes."""
    source, target = arrays[overlap.input], outputs[overlap.output]
    low = min(0, distance)
    span = max(source.nbytes, distance + target.nbytes) - low
    memory = native.Buffer(rng.integers(0, 256, span, np.uint8), 8)
    memory.array[-low : source.nbytes - low] = source.reshape(-1).view(np.uint8)
    inputs = [native.Buffer(a, 8) for a in arrays]
    others = [native.Buffer(a, 8) for a in outputs]
    at = [b.address for b in inputs], [b.address for b in others]
    at[0][overlap.input] = memory.address - low
    at[1][overlap.output] = memory.address + distance - low
    native.invoke(lowering, *at)
    for buffer in (memory, *inputs, *others):
        buffer.check(f"{lowering.function}, {lowering.traversal}, distance {distance}")
    return memory.array[distance - low : distance - low + target.nbytes].tobytes()


def stored(graph, lowering, sample):
    """Inputs as they lie in the arena, and outputs full of noise."""
    node, values = graph.nodes[0], dict(zip(graph.inputs, sample, strict=True))
    values |= {i: t.data for i, t in enumerate(graph.tensors) if t.data is not None}
    arrays = [native.stored(graph, values, i, lowering.orders.inputs) for i in node.inputs]
    return arrays, [native.noise(graph.tensors[i]) for i in node.outputs]


def try_all(op, variant, seed):
    """Number of overlapping runs of one random layer; all of them must be right."""
    rng = np.random.default_rng(seed)
    graph, inputs = (LAYERS if variant == "portable" else FAST_LAYERS)[op](rng)
    sample = [batch[0] for batch in inputs]
    count = 0
    if graph.state:
        return count
    for lowering in ways(graph, variant):
        arrays, outputs = stored(graph, lowering, sample)
        apart = native.call(lowering, arrays, outputs)
        for overlap in demand_of(lowering).traversals[0].overlaps:
            target = outputs[overlap.output]
            step = max(arrays[overlap.input].itemsize, target.itemsize)
            step = step if lowering.variant == "portable" else max(4, step)
            sizes = arrays[overlap.input].nbytes, target.nbytes
            for distance in distances(overlap, sizes, step, rng):
                ours = run_over(lowering, arrays, outputs, overlap, distance, rng)
                assert ours == apart[overlap.output].tobytes(), (
                    f"{lowering.function}, {lowering.traversal}, seed {seed}: wrong with output "
                    f"{overlap.output} {distance} bytes from input {overlap.input}"
                )
                count += 1
    return count


KERNELS = [("portable", op) for op in LAYERS]
KERNELS += [(variant, kind) for variant in NATIVE for kind in kinds_of(TUNED[variant])]


@pytest.mark.parametrize(("variant", "op"), KERNELS)
def test_declared_overlaps_are_right(variant, op):
    total = sum(try_all(op, variant, seed) for seed in range(SHAPES))
    print(f"{op}, {variant}: {SHAPES} layers, {total} overlapping runs, 0 wrong")


@pytest.mark.parametrize("op", SLIDING)
def test_the_next_distance_is_wrong(op):
    """What is declared is no smaller than need be: one element further, results are wrong."""
    wrong = {"forward": 0, "backward": 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        graph, inputs = LAYERS[op](rng)
        for lowering in ways(graph, "portable"):
            arrays, outputs = stored(graph, lowering, [batch[0] for batch in inputs])
            apart = native.call(lowering, arrays, outputs)[0].tobytes()
            (overlap,) = lowering.overlaps
            step = outputs[0].itemsize
            end = overlap.below if lowering.traversal == "forward" else overlap.above
            further = end // step * step + step
            if lowering.traversal == "backward":
                further = -(-end // step) * step - step
            if further == 0 and overlap.in_place:
                continue
            if not -outputs[0].nbytes < further < arrays[0].nbytes:
                continue
            if run_over(lowering, arrays, outputs, overlap, further, rng) != apart:
                wrong[lowering.traversal] += 1
    assert min(wrong.values()) >= 5, wrong
