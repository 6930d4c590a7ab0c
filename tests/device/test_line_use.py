"""How busy the link keeps a line. Networks by their sizes alone: computing is not measured here."""

import random
import time

import pytest

from qembed.device.session import Session
from qembed.device.transport import Port
from qembed.protocol.messages import record_bytes
from qembed.testing import PacedPort
from support.link_board import Board, compile_link

MLPERF_BYTES_PER_SECOND = 4800
"""At most what MLPerf Tiny's hexadecimal loading moves."""
SECONDS = 3
EMPTY = 3


@pytest.mark.parametrize("baud", [115_200, 921_600])
@pytest.mark.parametrize(
    ("name", "sizes"),
    [("kws", {"IN": 490, "OUT": 12, "LAYERS": 12}), ("ad", {"IN": 640, "OUT": 640, "LAYERS": 10})],
)
def test_payload_fills_the_busier_direction(name, sizes, baud, tmp_path):
    flags = [f"-DEMPTY_{key}={value}" for key, value in sizes.items()]
    with Board(compile_link(tmp_path / name, *flags)) as board:
        session = Session(Port(board.url, PacedPort(board.open().serial, baud)))
        payload = max(sizes["IN"], record_bytes(session.models[EMPTY], ticks=False))
        rng = random.Random(1)
        inputs = [rng.randbytes(sizes["IN"]) for _ in range(SECONDS * baud // 10 // payload)]
        started = time.monotonic()
        assert len(list(session.infer_many(EMPTY, inputs))) == len(inputs)
        spent = time.monotonic() - started
        assert session.statistics.lost_frames == 0
        session.port.close()
    rate = payload * len(inputs) / spent
    samples = sizes["IN"] * len(inputs) / spent
    print(
        f"{name} at {baud} baud: {rate:,.0f} bytes a second in the busier direction,"
        f" {1000 * rate / baud:.1f} % of 8N1; {samples / MLPERF_BYTES_PER_SECOND:.1f} times MLPerf"
    )
    assert rate >= 0.9 * baud / 10
    if baud == 921_600:
        assert samples >= 10 * MLPERF_BYTES_PER_SECOND
