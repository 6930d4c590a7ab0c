"""Tuned kernels on emulated boards: the assembly that native builds replace by C."""

from dataclasses import replace

import numpy as np
import pytest

from qembed.backends import reference
from qembed.boards import load_board
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import export_firmware
from qembed.ir import Graph
from support.fast_layers import FAST_LAYERS, separable

BOARDS = {
    ("mps2-an386", "speed"): "dsp",
    ("mps2-an386", "size"): "compact",
    ("mps2-an385", "speed"): "m0",
    ("mps2-an385-m0", "speed"): "m0",
    ("mps3-an547", "speed"): "mve",
    ("virt32", "speed"): "compact",
}
"""Kernel variant by board and level."""
LAYERS = 6
"""Of each kind."""
KINDS = {**FAST_LAYERS, "separable": separable}
HALVES = [list(KINDS)[::2], list(KINDS)[1::2]]
"""Kinds that share a firmware: planning its memory takes longer than all the rest."""


def draw(kind):
    """Layers of a kind, first some whose outputs are often ties that decide their last bit."""
    made = [KINDS[kind](np.random.default_rng(seed)) for seed in range(60)]
    ties = [one for one in made if has_ties(one[0])]
    return ties[:4] + [one for one in made if not has_ties(one[0])][: LAYERS - len(ties[:4])]


def has_ties(graph):
    params = graph.nodes[len(graph.nodes) // 2].params
    small = np.abs(getattr(params, "bias", np.int32([1000]))).max() < 100
    return small and params.activation_range[0] < params.output_zero_point


def side_by_side(graphs):
    """One graph of many: their inputs, nodes and outputs one behind the other."""
    tensors, nodes, inputs, outputs = [], [], [], []
    for of in graphs:
        base = len(tensors)
        tensors += of.tensors
        inputs += [base + i for i in of.inputs]
        outputs += [base + i for i in of.outputs]
        for node in of.nodes:
            moved = [tuple(base + i for i in part) for part in (node.inputs, node.outputs)]
            name = f"{len(nodes)}"
            nodes.append(replace(node, name=name, inputs=moved[0], outputs=moved[1]))
    return Graph("layers", tuple(tensors), tuple(nodes), tuple(inputs), tuple(outputs))


@pytest.mark.parametrize("kinds", HALVES)
@pytest.mark.parametrize("place", BOARDS, ids="-".join)
def test_equals_reference_on_the_board(place, kinds, tmp_path):
    board = load_board(*place)
    made = [one for kind in kinds for one in draw(kind)]
    graph = side_by_side([of for of, _ in made])
    inputs = [array for _, arrays in made for array in arrays]
    project = export_firmware([graph], board, tmp_path / "firmware")
    variants = [lowering.variant for lowering in project.models[0].sources.lowerings]
    assert sum(v.startswith(BOARDS[place]) for v in variants) > len(variants) // 3

    firmware = build_firmware(project)
    with boot(firmware) as running:
        port = open_port(running.port_url)
        samples = [b"".join(x[i].tobytes() for x in inputs) for i in range(len(inputs[0]))]
        seen = [one.record.outputs for one in Session(port).infer_many(0, samples, ticks=False)]
        port.close()
    wanted = reference.run(graph, inputs)
    for i, outputs in enumerate(seen):
        at = 0
        for n, values in enumerate(wanted):
            expected = values[i].tobytes()
            assert outputs[at : at + len(expected)] == expected, f"sample {i}, output {n}"
            at += len(expected)
        assert at == len(outputs)
