"""Random networks in the arenas that are planned for them: every layer against the definition."""

import os

import numpy as np
import pytest

from qembed.backends import reference
from qembed.export import model_sources
from qembed.targets import load_target
from support import exported
from support.networks import network

COUNT = int(os.environ.get("QEMBED_RANDOM_NETWORKS", "24"))
SANITIZE = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")


@pytest.mark.parametrize("target", ["native", "cortex-m4"])
def test_every_layer_of_random_networks(target):
    chip = load_target(target)
    graphs = [network(seed) for seed in range(COUNT)]
    models = [(g, model_sources(g, chip, f"net{i}")) for i, g in enumerate(graphs)]
    shared = {"backward": 0, "overlaps": 0, "planar": 0}
    above = 0.0
    for seed, model in enumerate(exported.build_all(models, *SANITIZE)):
        inputs = exported.random_inputs(model.graph, 2, seed)
        expected = reference.trace(model.graph, inputs)
        for i in range(2):
            outputs, layers = model.step([batch[i] for batch in inputs])
            values = layers | dict(zip(model.graph.outputs, outputs, strict=True))
            for tensor, array in values.items():
                where = f"{target}, network {seed}, {model.graph.tensors[tensor].name}"
                np.testing.assert_array_equal(array, expected[tensor][i], where)
        plan = model.sources.plan
        shared["backward"] += sum(t.name == "backward" for t in plan.traversals.values())
        shared["overlaps"] += sum(overlapping(model.graph, plan, n) for n in plan.running)
        shared["planar"] += len(model.sources.orders)
        above += plan.arena_bytes / plan.lower_bound - 1
    print(f"{target}: {COUNT} networks, {shared}, 0 bytes differ")
    print(f"arenas are {above / COUNT:.2%} above the lower bound")
    assert above / COUNT < 0.01
    assert shared["overlaps"] > 2 * COUNT
    assert shared["backward"] > 0 or target != "native"


def overlapping(graph, plan, n) -> bool:
    """Whether a node writes over an input of its own."""
    node = graph.nodes[n]
    at, size = plan.offsets[node.outputs[0]], graph.tensors[node.outputs[0]].nbytes
    return any(
        plan.offsets[i] < at + size and at < plan.offsets[i] + graph.tensors[i].nbytes
        for i in node.inputs
        if i in plan.offsets
    )
