"""What the link adds to a payload, in bytes; how busy it keeps a line shows bench/link.py."""

import random

import pytest

from qembed.device.session import Session
from qembed.device.transport import Port
from qembed.protocol.messages import record_bytes
from support.line_use import EMPTY, NETWORKS, compile_network
from support.link_board import Board


@pytest.mark.parametrize("name", NETWORKS)
def test_the_busier_direction_carries_little_else_than_payload(name, tmp_path):
    size = NETWORKS[name]["IN"]
    with Board(compile_network(tmp_path, name)) as board:
        session = Session(Port(board.url, board.open().serial))
        rng = random.Random(1)
        inputs = [rng.randbytes(size) for _ in range(200)]
        before = session.statistics
        assert len(list(session.infer_many(EMPTY, inputs))) == len(inputs)
        after = session.statistics
        session.port.close()
    record = record_bytes(session.models[EMPTY], ticks=False)
    sent, received = (
        getattr(after, way) - getattr(before, way) for way in ("sent_bytes", "received_bytes")
    )
    shares = len(inputs) * size / sent, len(inputs) * record / received
    busier = shares[0] if sent > received else shares[1]
    assert 0.93 <= busier < 1
