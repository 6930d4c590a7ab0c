"""Every operator on processors that differ: word size, byte order, multiplier, floats."""

import contextlib

import numpy as np
import pytest

from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import export_firmware
from qembed.verify.check import verify
from qembed.verify.layers import layers_of
from support.layers import LAYERS
from support.toy import need

BOARDS = ["mps2-an386", "mps2-an385-m0", "virt32", "qemu-mips"]


def draw(op, wide):
    """A layer of the operator; unless `wide`, one that has one without values of several bytes."""
    for seed in range(1, 100):
        graph, inputs = LAYERS[op](np.random.default_rng(seed))
        sizes = [np.dtype(t.dtype).itemsize for t in graph.tensors if t.data is None]
        if wide or max(sizes) == 1:
            return graph, inputs
    return None


@pytest.mark.parametrize("name", BOARDS)
def test_every_operator_of_one_firmware(name, tmp_path):
    board = need(name)
    # The link sends the memory of a board as it is: little-endian on every chip there is a target
    # for. Of the big-endian process, which stands for portability, it shows what is made of bytes.
    found = {op: draw(op, name != "qemu-mips") for op in LAYERS}
    drawn = {op: layer for op, layer in found.items() if layer is not None}
    assert len(drawn) > 30
    project = export_firmware([g for g, _ in drawn.values()], board, tmp_path, list(drawn))
    with (
        boot(build_firmware(project)) as running,
        contextlib.closing(open_port(running.port_url)) as port,
    ):
        session = Session(port)
        for (op, (graph, inputs)), part in zip(drawn.items(), project.models, strict=True):
            report = verify(graph, session, layers_of(part.sources), inputs)
            assert report.first is None, (op, report.first)
            assert report.samples == len(inputs[0])
