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
SECONDS = 2
ATTEMPTS, ENOUGH = 6, 0.9
"""A machine that is busy with other things slows the line down, not the link."""
EMPTY = 3


@pytest.mark.parametrize("baud", [115_200, 921_600])
@pytest.mark.parametrize(
    ("name", "sizes"),
    [("kws", {"IN": 490, "OUT": 12, "LAYERS": 12}), ("ad", {"IN": 640, "OUT": 640, "LAYERS": 10})],
)
def test_payload_fills_the_busier_direction(name, sizes, baud, tmp_path):
    flags = [f"-DEMPTY_{key}={value}" for key, value in sizes.items()]
    program = compile_link(tmp_path / name, *flags)
    best = 0.0
    for _ in range(ATTEMPTS):
        best = max(best, measure(program, sizes["IN"], baud))
        if best >= ENOUGH:
            break
    samples = best * baud / 10 / payload_of(sizes) * sizes["IN"]
    print(
        f"{name} at {baud} baud: {100 * best:.1f} % of 8N1 in the busier direction,"
        f" {samples / MLPERF_BYTES_PER_SECOND:.1f} times MLPerf"
    )
    assert best >= ENOUGH
    if baud == 921_600:
        assert samples >= 10 * MLPERF_BYTES_PER_SECOND


def payload_of(sizes):
    """Bytes of a sample in the busier direction: its input, or hashes and output."""
    return max(sizes["IN"], 12 + 4 * sizes["LAYERS"] + sizes["OUT"])


def measure(program, input_bytes, baud):
    """Payload in the busier direction, as a part of what 8N1 allows."""
    with Board(program) as board:
        session = Session(Port(board.url, PacedPort(board.open().serial, baud)))
        payload = max(input_bytes, record_bytes(session.models[EMPTY], ticks=False))
        rng = random.Random(1)
        inputs = [rng.randbytes(input_bytes) for _ in range(SECONDS * baud // 10 // payload)]
        started = time.monotonic()
        assert len(list(session.infer_many(EMPTY, inputs))) == len(inputs)
        spent = time.monotonic() - started
        assert session.statistics.lost_frames == 0
        session.port.close()
    return payload * len(inputs) / spent / (baud / 10)
