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

BOARDS = ["mps2-an386", "mps2-an385-m0", "virt32", "qemu-mips", "qemu-s390x"]


@pytest.mark.parametrize("name", BOARDS)
def test_every_operator_of_one_firmware(name, tmp_path):
    board = need(name)
    drawn = {op: make(np.random.default_rng(1)) for op, make in LAYERS.items()}
    assert any(tensor.dtype == "int32" for graph, _ in drawn.values() for tensor in graph.tensors)
    project = export_firmware([g for g, _ in drawn.values()], board, tmp_path, list(drawn))
    with (
        boot(build_firmware(project)) as running,
        contextlib.closing(open_port(running.port_url)) as port,
    ):
        session = Session(port)
        assert session.info.byte_order == (">" if name in ("qemu-mips", "qemu-s390x") else "<")
        for (op, (graph, inputs)), part in zip(drawn.items(), project.models, strict=True):
            report = verify(graph, session, layers_of(part.sources), inputs)
            assert report.first is None, (op, report.first)
            assert report.samples == len(inputs[0])
