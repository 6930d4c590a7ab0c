import os
import pty
import random
import subprocess
import threading
import time
import tty
from dataclasses import replace

import pytest
import serial

from qembed.device import session as session_module
from qembed.device.session import Session, find_baud
from qembed.device.transport import Port
from qembed.errors import DeviceError, InputError
from qembed.protocol.hashing import hash_bytes, input_hash
from qembed.testing import Faults, FaultyPort, PacedPort
from qembed.verify.witness import model_index
from support import fault_sessions
from support.fault_sessions import check, draw_inputs
from support.link_board import ADDER, ROWS, SANITIZE, SMALL, WIDE, Board, compile_link, expected


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return compile_link(tmp_path_factory.mktemp("link") / "firmware", *SANITIZE)


@pytest.fixture
def board(program):
    with Board(program) as board:
        yield board


@pytest.mark.parametrize("model", [SMALL, WIDE, ADDER, ROWS])
def test_every_record_is_right(board, model):
    session = Session(board.open())
    inputs = draw_inputs(model, 50, random.Random(model))
    seen = list(session.infer_many(model, inputs, ordered=model == ADDER, ticks=True))
    check(model, inputs, seen)
    assert session.statistics.lost_frames == 0
    for observation in seen:
        ticks = observation.record.layer_ticks
        assert len(ticks) == session.models[model].layers
        assert 0 < sum(ticks) <= observation.record.ticks < 10**9


def test_what_the_board_says_of_itself(board):
    session = Session(board.open())
    assert session.info.firmware == "test 1"
    assert session.info.counter_unit == "nanoseconds"
    assert [model.name for model in session.models] == ["small", "wide", "adder", "rows"]
    assert session.models[WIDE].inputs == (300, 1701)
    assert session.models[WIDE].outputs == (300, 1701)
    assert model_index(session, bytes([2]) + bytes(31)) == WIDE
    with pytest.raises(DeviceError, match=r"does not hold this model \(0900.*'small'.*'adder'"):
        model_index(session, bytes([9]) + bytes(31))


@pytest.mark.parametrize("model", [SMALL, WIDE, ADDER, ROWS])
def test_a_layer_is_fetched_byte_by_byte(board, model):
    session = Session(board.open())
    history = draw_inputs(model, 3, random.Random(model))
    for layer, data in enumerate(expected(model, history)):
        tensor, record = session.fetch(model, history, layer, ordered=model == ADDER)
        assert tensor == data
        assert record.input_hash == input_hash(session.models[model], history[-1])
        assert record.layer_hashes[layer] == hash_bytes(data)


def test_models_take_turns_in_one_arena_and_state_does_not_survive(board):
    session = Session(board.open())
    rng = random.Random(5)
    for model in (ADDER, SMALL, ROWS, ADDER, WIDE, ROWS, ADDER, ADDER):
        inputs = draw_inputs(model, 4, rng)
        check(model, inputs, list(session.infer_many(model, inputs, ordered=model == ADDER)))


def test_samples_of_a_model_with_state_start_from_its_reset_unless_ordered(board):
    session = Session(board.open())
    inputs = draw_inputs(ADDER, 5, random.Random(1))
    for data, seen in zip(inputs, session.infer_many(ADDER, inputs), strict=True):
        assert seen.record.outputs == expected(ADDER, [data])[0]


def test_a_run_that_is_left_early_does_not_disturb_the_next(board):
    session = Session(board.open())
    inputs = draw_inputs(SMALL, 40, random.Random(2))
    for seen in session.infer_many(SMALL, inputs):
        if seen.index == 3:
            break
    assert session.fetch(SMALL, inputs[7:8], 0)[0] == expected(SMALL, inputs[7:8])[0]
    check(SMALL, inputs, list(session.infer_many(SMALL, inputs)))


def test_two_sessions_one_after_the_other(board):
    inputs = draw_inputs(ADDER, 3, random.Random(2))
    for _ in range(2):
        port = board.open()
        check(ADDER, inputs, list(Session(port).infer_many(ADDER, inputs, ordered=True)))
        port.close()


@pytest.mark.parametrize("model", [SMALL, WIDE, ADDER, ROWS])
def test_a_reset_in_the_middle_changes_nothing(board, model):
    session = Session(board.open(), patience=5)
    inputs = draw_inputs(model, 60, random.Random(3))
    seen = []
    for observation in session.infer_many(model, inputs, ordered=model == ADDER):
        seen.append(observation)
        if observation.index in (5, 20):
            board.reset()
    check(model, inputs, seen)
    assert session.resets >= 2


def test_a_board_that_crashes_on_a_sample_is_an_error(board):
    session = Session(board.open(), patience=5)
    inputs = draw_inputs(WIDE, 3, random.Random(3))
    inputs[1] = b"crash" + inputs[1][5:]
    alive = True

    def watchdog():
        while alive:
            if board.process.poll() is not None:
                board.reset()
            time.sleep(0.01)

    thread = threading.Thread(target=watchdog)
    thread.start()
    try:
        with pytest.raises(DeviceError, match="reset 9 times in a row without a result"):
            list(session.infer_many(WIDE, inputs))
    finally:
        alive = False
        thread.join()


def test_a_board_that_comes_back_with_another_firmware_is_an_error(board, monkeypatch):
    session = Session(board.open(), patience=5)
    session.models = (replace(session.models[0], hash=bytes(32)), *session.models[1:])
    board.reset()
    with pytest.raises(DeviceError, match="came back with another firmware"):
        list(session.infer_many(SMALL, [bytes(40)]))


def test_a_board_that_hangs_is_an_error_in_time(board):
    session = Session(board.open(), patience=0.5)
    board.stop()
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"silent for 0\.5 s"):
        list(session.infer_many(SMALL, [bytes(40)]))
    assert time.monotonic() - started < 2


def test_a_slow_caller_is_no_silence(board):
    session = Session(board.open(), patience=0.4)
    inputs = draw_inputs(SMALL, 3, random.Random(3))
    seen = []
    for observation in session.infer_many(SMALL, inputs):
        seen.append(observation)
        time.sleep(0.5)
    check(SMALL, inputs, seen)


def test_an_input_of_the_wrong_size_is_refused_before_anything_is_sent(board):
    session = Session(board.open())
    with pytest.raises(InputError, match="sample 1 has 39 bytes; the model on the board takes 40"):
        list(session.infer_many(SMALL, [bytes(40), bytes(39)]))


def test_stress_keeps_the_bytes_and_finds_a_write_outside_the_arena(board, tmp_path):
    session = Session(board.open())
    inputs = draw_inputs(SMALL, 3, random.Random(4))
    for fill, shift in ((0xAA, 0), (0x55, 64), (0, 32)):
        session.setup(SMALL, stress=True, fill=fill, shift=shift)
        check(SMALL, inputs, list(session.infer_many(SMALL, inputs)))
    with pytest.raises(DeviceError, match="the data does not fit: it takes 64 bytes"):
        session.setup(SMALL, stress=True, fill=0, shift=68)
    for shift, at, layer in ((0, 8195, 2), (16, -4, 2), (0, 8192, 2)):
        bad = compile_link(tmp_path / "bad", f"-DWRITE_AT={at}")
        with Board(bad) as broken:
            session = Session(broken.open())
            if at > 0:
                check(SMALL, inputs, list(session.infer_many(SMALL, inputs)))
            session.setup(SMALL, stress=True, shift=shift)
            seen = list(session.infer_many(SMALL, inputs))
            assert [one.record.escape for one in seen] == [(layer, at)] * 3
            session.setup(SMALL, stress=False)
            seen = list(session.infer_many(SMALL, inputs))
            assert [one.record.escape for one in seen] == [None] * 3


def test_the_stack_of_a_run_is_measured(tmp_path):
    inputs = draw_inputs(SMALL, 3, random.Random(4))
    used = {}
    for depth in (0, 500, 3000, 9000):
        flags = ["-DWATCH_STACK", f"-DDEPTH={depth}", "-Wl,-z,now"]  # ld.so uses the stack too
        with Board(compile_link(tmp_path / "deep", *flags)) as board:
            seen = list(Session(board.open()).infer_many(SMALL, inputs))
            check(SMALL, inputs, seen)
            (used[depth],) = {one.record.stack_bytes for one in seen}
    assert 0 < used[0] < 400
    assert 500 < used[500] < 700
    assert 3000 < used[3000] < 3200
    assert used[9000] == 4096  # as much as is watched


def test_a_stack_that_is_not_known_is_left_alone(board):
    (seen,) = Session(board.open()).infer_many(SMALL, [bytes(40)])
    assert seen.record.stack_bytes == 0


def test_a_board_that_is_out_of_memory_says_so(tmp_path):
    for flag, words in (
        ("-DARENA_BYTES=4096", "out of memory: its arena is too small for the model"),
        ("-DQE_LINK_MAX_LAYERS=1", "out of memory: the model has more than the 1 layers"),
    ):
        with Board(compile_link(tmp_path / "small", flag)) as board:
            session = Session(board.open())
            with pytest.raises(DeviceError, match=words):
                list(session.infer_many(SMALL, [bytes(40)]))


# ---- other things on the port --------------------------------------------------------------------


def talker(script):
    """A process on a terminal that is no qembed firmware."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    process = subprocess.Popen(["sh", "-c", script], stdin=master, stdout=master)
    return Port(os.ttyname(slave), None), process, (master, slave)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("sleep 60", "nothing answers on"),
        ("while true; do echo 'ets Jun  8 2016 rst:0x1'; sleep 0.01; done", "something talks on"),
        ("cat /dev/urandom", "something talks on"),
        ("cat", "something talks on"),
    ],
)
def test_no_firmware_behind_the_port(script, complaint, monkeypatch):
    from qembed.device.transport import open_port

    monkeypatch.setattr(session_module, "HELLO_TIMEOUT", 1.0)
    port, process, fds = talker(script)
    opened = open_port(port.url)
    started = time.monotonic()
    try:
        with pytest.raises(DeviceError, match=complaint):
            Session(opened)
        assert time.monotonic() - started < 10
    finally:
        process.kill()
        process.wait()
        opened.close()
        for fd in fds:
            os.close(fd)


def test_the_rate_at_which_a_board_answers_is_found(program):
    with Board(program) as board:
        paced = PacedPort(board.open().serial, 230_400)
        port = Port(board.url, paced)
        assert find_baud(port, (115_200, 921_600, 230_400, 9_600)) == 230_400
        inputs = draw_inputs(SMALL, 3, random.Random(4))
        check(SMALL, inputs, list(Session(port).infer_many(SMALL, inputs)))
        with pytest.raises(DeviceError, match=r"answers on .* at any of 115200, 9600 baud"):
            find_baud(port, (115_200, 9_600))


def test_a_wrong_rate_is_named_with_the_remedy(program, monkeypatch):
    monkeypatch.setattr(session_module, "HELLO_TIMEOUT", 0.5)
    with Board(program) as board:
        paced = PacedPort(board.open().serial, 230_400)
        paced.baudrate = 57_600
        with pytest.raises(DeviceError, match=r"at 57600 baud.*--baud auto"):
            Session(Port(board.url, paced))


def test_a_firmware_of_another_version_is_named(tmp_path, program):
    with (
        Board(compile_link(tmp_path / "other", "-DQE_LINK_VERSION=7")) as board,
        pytest.raises(DeviceError, match="speaks version 7 of the link, this qembed version 2"),
    ):
        Session(board.open())


@pytest.mark.parametrize(
    ("info", "model"),
    [
        ({"frame_bytes": 20}, {}),
        ({"counter_denominator": 0}, {}),
        ({}, {"outputs": (1 << 31,)}),
        ({}, {"inputs": (1 << 30,)}),
    ],
)
def test_sizes_that_cannot_be_are_not_believed(board, monkeypatch, info, model):
    real = session_module.Session._handshake_step

    def lie(self, job, end):
        answer = real(self, job, end)
        return replace(answer, **(info if hasattr(answer, "firmware") else model))

    monkeypatch.setattr(session_module.Session, "_handshake_step", lie)
    with pytest.raises(DeviceError, match="states impossible sizes"):
        Session(board.open())


def test_chatter_of_a_boot_loader_before_the_firmware_is_skipped(program):
    with Board(program) as board:
        os.write(board.master, b"\r\nBoot v1.2 ... jumping to 0x08004000\r\n\x00\x05abc")
        inputs = draw_inputs(SMALL, 3, random.Random(4))
        check(SMALL, inputs, list(Session(board.open()).infer_many(SMALL, inputs)))


# ---- faults --------------------------------------------------------------------------------------


def test_no_wrong_verdict_under_faults(program):
    """Every session ends with the right records or with one DeviceError, and in time."""
    endings = list(fault_sessions.run_all(program, range(200)))
    assert endings.count("verdict") > 150
    assert "verdict" not in endings or len(set(endings)) > 1  # some plugs were pulled


class Trigger:
    """A port on which something happens when so many frames have begun to pass, either way."""

    def __init__(self, serial, frame, happen):
        self.serial, self.left, self.happen = serial, frame, happen
        self.passed = 0

    def __getattr__(self, name):
        return getattr(self.serial, name)

    def _count(self, data):
        before, self.passed = self.passed, self.passed + data.count(0)
        if before <= self.left < self.passed:
            self.happen()

    def write(self, data):
        self._count(data)
        return self.serial.write(data)

    def read(self, size=1):
        data = self.serial.read(size)
        self._count(data)
        return data


def talk(board, model, frame, happen):
    """A whole conversation with a disturbance in it; return the frames that passed."""
    opened = board.open()
    trigger = Trigger(opened.serial, frame, happen)
    inputs = draw_inputs(model, 4, random.Random(model))
    try:
        session = Session(Port(board.url, trigger), patience=5)
        check(model, inputs, list(session.infer_many(model, inputs, ordered=model == ADDER)))
        tensor, _ = session.fetch(model, inputs[:2], 0, ordered=model == ADDER)
        assert tensor == expected(model, inputs[:2])[0]
        return trigger.passed
    finally:
        opened.close()


@pytest.mark.parametrize("model", [SMALL, WIDE, ADDER, ROWS])
def test_a_reset_at_any_frame_of_a_conversation_changes_nothing(program, model):
    with Board(program) as board:
        frames = talk(board, model, 10**6, lambda: None)
        assert frames > 15
        for frame in range(frames):
            talk(board, model, frame, board.reset)


@pytest.mark.parametrize("model", [SMALL, ADDER])
def test_a_plug_pulled_at_any_frame_is_an_error(program, model):
    def pull():
        raise serial.SerialException("device disconnected")

    with Board(program) as board:
        for frame in range(talk(board, model, 10**6, lambda: None) - 2):
            with pytest.raises(DeviceError, match="device disconnected"):
                talk(board, model, frame, pull)


def test_one_bit_in_ten_thousand_flipped_and_all_samples_verified(program):
    with Board(program) as board:
        faulty = FaultyPort(board.open().serial, Faults(flip=1e-4), seed=1)
        session = Session(Port(board.url, faulty))
        inputs = draw_inputs(WIDE, 20, random.Random(4))
        check(WIDE, inputs, list(session.infer_many(WIDE, inputs)))
        assert session.statistics.lost_frames > 0


def test_a_pulled_plug_is_an_error(program):
    with Board(program) as board:
        port = board.open()
        session = Session(port)
        faulty = FaultyPort(port.serial, Faults(disconnect=0.2), seed=1)
        session.port = Port(board.url, faulty)
        with pytest.raises(DeviceError, match="failed: device disconnected"):
            list(session.infer_many(WIDE, draw_inputs(WIDE, 50, random.Random(4))))
