"""How busy the link keeps a line. Networks by their sizes alone: computing is not measured here."""

import random
import time

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
EMPTY = 4
NETWORKS = {
    "kws": {"IN": 490, "OUT": 12, "LAYERS": 12},
    "ad": {"IN": 640, "OUT": 640, "LAYERS": 10},
}


def compile_network(folder, name):
    """A firmware that has the network's sizes and computes nothing."""
    flags = [f"-DEMPTY_{key}={value}" for key, value in NETWORKS[name].items()]
    return compile_link(folder / name, *flags)


def best(program, name, baud):
    """Payload in the busier direction, as a part of what 8N1 allows; the best of some attempts."""
    most = 0.0
    for _ in range(ATTEMPTS):
        most = max(most, _measure(program, NETWORKS[name]["IN"], baud))
        if most >= ENOUGH:
            break
    return most


def input_rate(name, baud, used):
    """Bytes of inputs a second, which is what MLPerf's runner loads."""
    sizes = NETWORKS[name]
    payload = max(sizes["IN"], 24 + 4 * sizes["LAYERS"] + sizes["OUT"])
    return used * baud / 10 / payload * sizes["IN"]


def describe(name, baud, used):
    times = input_rate(name, baud, used) / MLPERF_BYTES_PER_SECOND
    return (
        f"{name} at {baud} baud: {100 * used:.1f} % of 8N1 in the busier direction,"
        f" {times:.1f} times MLPerf"
    )


def _measure(program, input_bytes, baud):
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
