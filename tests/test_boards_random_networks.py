"""Random networks with overlapping arenas on emulated boards: the kernels in assembly."""

import contextlib
import os

import pytest

from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import export_firmware
from qembed.verify.check import verify
from qembed.verify.layers import layers_of
from support import exported
from support.networks import network
from support.toy import need

COUNT = int(os.environ.get("QEMBED_RANDOM_NETWORKS", "12"))


@pytest.mark.parametrize("name", ["mps2-an386", "mps2-an385-m0", "mps3-an547"])
def test_random_networks_of_one_firmware(name, tmp_path):
    board = need(name)
    graphs = [network(seed) for seed in range(1000, 1000 + COUNT)]
    prefixes = [f"net{i}" for i in range(COUNT)]
    project = export_firmware(graphs, board, tmp_path, prefixes)
    layers = 0
    with (
        boot(build_firmware(project)) as running,
        contextlib.closing(open_port(running.port_url)) as port,
    ):
        session = Session(port)
        for seed, (graph, part) in enumerate(zip(graphs, project.models, strict=True)):
            inputs = exported.random_inputs(graph, 3, seed)
            report = verify(graph, session, layers_of(part.sources), inputs)
            assert report.first is None, (graph.name, report.first)
            assert report.samples == 3
            layers += len(report.layers)
    print(f"{COUNT} networks, {layers} layers, 3 samples each: equal on {board.name}")
