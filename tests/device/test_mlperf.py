"""The runner's contract, line by line, and our own runner."""

import contextlib
import random
import re
import time

import numpy as np
import pytest

from qembed.boards import load_board
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.mlperf import Runner, accuracy, performance
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.errors import DeviceError, UnsupportedError
from qembed.export.firmware import export_firmware
from qembed.export.mlperf import benchmark_of
from qembed.importers import import_model
from support.link_board import SANITIZE, Board, compile_link

BYTES = 70
GREETING = ["m-timestamp-mode-performance", "m-lap-us-N", "m-init-done", "m-ready"]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlperf")
    return {
        kind: compile_link(
            folder / kind, *SANITIZE, f"-DKIND=QE_MLPERF_{kind}", main="mlperf_firmware.c"
        )
        for kind in ("SIGNED", "UNSIGNED", "AUTOENCODER")
    }


class Line:
    """The port as the official runner uses it: text out, lines in."""

    def __init__(self, board):
        self.port = board.open()
        self.serial = self.port.serial
        self.serial.timeout = 2

    def lines(self):
        """Lines up to the one that contains m-ready, numbers of time made equal."""
        out = []
        while True:
            raw = self.serial.readline()
            assert raw.endswith(b"\r\n"), (out, raw)
            line = raw.decode().replace("\r\n", "").replace("\0", "")
            out.append(re.sub(r"m-lap-us-\d+", "m-lap-us-N", line))
            if "m-ready" in line:
                return out

    def ask(self, command):
        self.serial.write(f"{command}%".encode())
        *answer, ready = self.lines()
        assert ready == "m-ready"
        return answer


@contextlib.contextmanager
def device(program):
    with Board(program) as board:
        line = Line(board)
        time.sleep(0.1)
        line.serial.reset_input_buffer()
        board.reset()
        assert line.lines() == GREETING
        yield board, line
        line.port.close()


@pytest.fixture
def line(programs):
    with device(programs["SIGNED"]) as (_, line):
        yield line


def hexed(data):
    return [data[at : at + 31].hex().upper() for at in range(0, len(data), 31)]


def load(line, data):
    assert line.ask(f"db load {len(data)}") == [f"m-[Expecting {len(data)} bytes]"]
    *first, last = hexed(data)
    for piece in first:
        assert line.ask(f"db {piece}") == []
    assert line.ask(f"db {last}") == ["m-load-done"]


def test_name_profile_timestamp_help(line):
    assert line.ask("name") == ["m-name-dut-[test]"]
    assert line.ask("profile") == [
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[kws01]",
    ]
    assert line.ask("timestamp") == ["m-lap-us-N"]
    assert len(line.ask("help")) == 1


def test_data_are_loaded_and_shown(line):
    data = bytes(range(100, 170))
    load(line, data)
    (shown,) = line.ask("db print")
    assert shown == "m-buffer-" + "-".join(f"{byte:02X}" for byte in data)


def test_an_inference_answers_in_this_order_and_with_two_laps(line):
    data = bytes(i % 256 for i in range(200, 200 + BYTES))
    load(line, data)
    answer = line.ask("infer 3 2")
    assert answer[:-1] == [
        "m-warmup-start-2",
        "m-warmup-done",
        "m-infer-start-3",
        "m-lap-us-N",
        "m-lap-us-N",
        "m-infer-done",
    ]
    turned = np.roll(np.frombuffer(data, np.int8), -1).astype(int)
    thousandths = np.floor((turned + 128) * 1000 / 256 + 0.5) / 1000
    assert answer[-1] == "m-results-[" + ",".join(f"{v:.3f}" for v in thousandths) + "]"
    assert line.ask("results") == [answer[-1]]
    assert line.ask("infer 1")[0] == "m-warmup-start-10"


def test_every_run_starts_from_the_loaded_data(line):
    load(line, bytes(range(BYTES)))
    assert line.ask("infer 1 0")[-1] == line.ask("infer 5 3")[-1]


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("what is this", "e-[Unknown command: what is this]"),
        ("results", "e-[Unknown command: results]"),
        ("", "e-[Unknown command: ]"),
        ("names", "e-[Unknown command: names]"),
        ("db load 0", "e-[Invalid number of bytes]"),
        ("db load 99999", "e-[Invalid number of bytes]"),
        ("db load 4294967298", "e-[Invalid number of bytes]"),
        ("db 00", "e-[Invalid data]"),
        ("db XY", "e-[Invalid data]"),
    ],
)
def test_what_is_wrong_is_said_and_ends_ready(line, command, complaint):
    assert line.ask(command) == [complaint]
    assert line.ask("name") == ["m-name-dut-[test]"]


def test_odd_or_too_many_digits_write_nothing_beyond(line):
    assert line.ask("db load 2") == ["m-[Expecting 2 bytes]"]
    assert line.ask("db 0") == ["e-[Invalid data]"]
    assert line.ask("db 010203") == ["e-[Invalid data]"]


def test_a_command_that_is_too_long_is_no_command(line):
    line.serial.write(b"x" * 200 + b"%")
    line.serial.write(b"\0")
    assert line.ask("name") == ["m-name-dut-[test]"]


def test_unsigned_data(programs):
    with device(programs["UNSIGNED"]) as (_, line):
        data = bytes(range(BYTES))
        load(line, data)
        turned = np.roll(np.frombuffer(data, np.uint8).astype(int), -1)
        want = np.floor(turned * 1000 / 256 + 0.5) / 1000
        results = line.ask("infer 1 0")[-1]
        assert results == "m-results-[" + ",".join(f"{v:.3f}" for v in want) + "]"


def test_autoencoder(programs):
    with device(programs["AUTOENCODER"]) as (_, line):
        x = np.random.default_rng(1).normal(0, 20, BYTES).astype("<f4")
        x[:3] = [np.nan, 1e30, -1e30]
        x[3:] = np.round(x[3:] * 8) / 8  # ties too
        load(line, x.tobytes())
        results = line.ask("infer 1 0")[-1]
        assert re.fullmatch(r"m-results-\[-?\d+\.\d{3}\]", results)
        x[:3] = [0.25, 5.0, -7.0]
        load(line, x.tobytes())
        steps = np.sign(x / 0.5 + 3) * np.floor(np.abs(x / 0.5 + 3) + 0.5)
        q = np.clip(steps, -128, 127)
        y = (np.roll(q, -1) + 128) / 256
        got = float(line.ask("infer 1 0")[-1][11:-1])
        assert got == pytest.approx(np.mean((y - x) ** 2), rel=1e-5, abs=6e-4)


def test_link_and_runner_share_the_port(programs):
    """Frames full of '%' and text are no commands; commands are no frames."""
    with device(programs["SIGNED"]) as (_, line):
        rng = random.Random(1)
        inputs = [b"name%profile%infer 1 0%" * 4 for _ in range(3)]
        inputs = [(data + rng.randbytes(BYTES))[:BYTES] for data in inputs]
        inputs += [rng.randbytes(BYTES) for _ in range(200)]
        line.serial.timeout = 0.02
        for _ in range(2):
            session = Session(line.port)
            for data, seen in zip(inputs, session.infer_many(0, inputs), strict=True):
                assert seen.record.outputs == data[1:] + data[:1]
            assert session.statistics.stale_frames == 0
            line.serial.timeout = 2
            load(line, bytes(range(BYTES)))
            assert line.ask("infer 1 0")[0] == "m-warmup-start-0"
            line.serial.timeout = 0.02


# ---- our runner ----------------------------------------------------------------------------------


def test_accuracy_and_performance(programs):
    with Board(programs["SIGNED"]) as board:
        port = board.open()
        runner = Runner(port)
        assert runner.profile.name == "test"
        assert runner.profile.model == "kws01"
        samples = [bytes(BYTES - 1 - i) + bytes([200]) + bytes(i) for i in range(5)]
        signed = [bytes(b ^ 0x80 for b in s) for s in samples]
        labels = [BYTES - 2 - i for i in range(5)]
        result = accuracy(runner, signed, labels)
        assert (result.samples, result.correct) == (5, 5)
        speed = performance(runner, signed[0], window=0.05)
        assert len(speed.throughputs) == 5
        assert 0 < min(speed.throughputs) <= speed.median <= max(speed.throughputs)
        port.close()


@pytest.mark.parametrize("moment", ["loaded", "half loaded", "idle"])
def test_a_reset_in_the_middle_is_an_error_and_not_a_lower_score(programs, moment):
    with Board(programs["SIGNED"]) as board:
        port = board.open()
        runner = Runner(port)
        runner.load(bytes(BYTES))
        runner.infer()
        if moment == "half loaded":
            runner._ask(f"db load {BYTES}")
        elif moment == "loaded":
            runner.load(bytes(BYTES))
        board.reset()
        time.sleep(0.2)
        with pytest.raises(DeviceError, match=r"reset in"):
            runner.infer()
        port.close()


def test_a_port_without_the_protocol_is_an_error(tmp_path, monkeypatch):
    with Board(compile_link(tmp_path / "link")) as board:
        port = board.open()
        started = time.monotonic()
        with pytest.raises(DeviceError, match="did not answer within"):
            Runner(port)
        assert time.monotonic() - started < 10
        port.close()


def test_keyword_spotting_as_the_desk_sees_it(shared, tmp_path):
    graph = import_model(shared / "models/kws_int8.tflite")
    assert benchmark_of(graph).model_id == "kws01"
    data = np.load(shared / "data/kws01.npz")
    project = export_firmware([graph], load_board("native"), tmp_path, mlperf=True)
    with boot(build_firmware(project)) as running:
        port = open_port(running.port_url)
        samples = [sample.tobytes() for sample in data["x"]]
        result = accuracy(Runner(port), samples, data["y"].tolist())
        port.close()
    assert (result.samples, result.correct) == (600, 538)


def test_a_model_that_is_no_benchmark_is_refused(shared):
    with pytest.raises(UnsupportedError, match="is no model of MLPerf Tiny"):
        benchmark_of(import_model(shared / "models/person_detect.tflite"))
