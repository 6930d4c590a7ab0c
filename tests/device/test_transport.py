import os
import pty
import subprocess
import sys
import threading
import time
import tty

import pytest
import serial

from qembed.device import transport
from qembed.device.transport import Port, open_port
from qembed.errors import DeviceError
from qembed.testing import Faults, FaultyPort


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def received(descriptor: int, count: int) -> bytes:
    """`count` bytes of a terminal, which hands them over in pieces as it likes."""
    data = b""
    while len(data) < count:
        data += os.read(descriptor, count - len(data))
    return data


def test_bytes_go_both_ways_whatever_their_number(terminal):
    master, name = terminal
    port = open_port(name)
    data = bytes(range(256)) * 12
    port.write(data[:3000])
    assert received(master, 3000) == data[:3000]
    assert os.write(master, data) == len(data)
    seen = b""
    while len(seen) < len(data):
        piece = port.read()
        assert piece
        seen += piece
    assert seen == data
    started = time.monotonic()
    assert port.read() == b""
    assert time.monotonic() - started < 0.5
    port.close()
    port.close()


def test_an_absent_port_is_named_with_those_that_are_there():
    with pytest.raises(DeviceError, match=r"port /dev/ttyNOT0 does not exist; ports here: "):
        open_port("/dev/ttyNOT0")


def test_a_busy_port_tells_by_whom(terminal):
    _, name = terminal
    script = (
        f"import serial, time; s = serial.Serial({name!r}, exclusive=True);"
        " print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(DeviceError, match=rf"is in use by \w+ \(process {other.pid}\); close"):
            open_port(name)
        other.kill()


def test_a_port_that_may_not_be_opened_tells_the_command(terminal, monkeypatch):
    _, name = terminal

    def refuse(self):
        raise serial.SerialException(13, "could not open port: Permission denied")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(DeviceError, match=r"sudo usermod -aG \w+ \$USER, then log in again"):
        open_port(name)


def test_nonsense_urls_are_one_sentence():
    for url in ("nothing://x", "socket://localhost", "socket://127.0.0.1:1", ""):
        with pytest.raises(DeviceError, match=r"^port "):
            open_port(url)


def test_a_port_that_vanishes_is_an_error():
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = open_port(os.ttyname(slave))
    os.close(slave)
    os.close(master)
    with pytest.raises(DeviceError, match="failed"):
        for _ in range(10):
            port.write(b"x")
            port.read()
    port.close()


def test_a_line_that_takes_nothing_is_dead_in_time(terminal, monkeypatch):
    _, name = terminal
    monkeypatch.setattr(transport, "WRITE_TIMEOUT", 0.3)
    port = open_port(name)
    with pytest.raises(DeviceError, match=r"took no byte for 0\.3 s"):
        for _ in range(100):
            port.write(bytes([1]) * 1000)
    port.close()


def test_dtr_and_rts_stay_down_unless_asked(terminal, monkeypatch):
    _, name = terminal
    opened = []
    real = serial.Serial.open

    def look(self):
        opened.append((self.dtr, self.rts))
        real(self)

    monkeypatch.setattr(serial.Serial, "open", look)
    for reset in (False, True):
        open_port(name, reset=reset).close()
    assert opened == [(False, False), (True, True)]


# ---- a port with faults --------------------------------------------------------------------------


def through(faults, frames, seed=1):
    """What arrives at the other end of a line, after all delays."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = FaultyPort(open_port(os.ttyname(slave)).serial, faults, seed)
    arrived = bytearray()
    stop = threading.Event()

    def collect():
        while not stop.is_set():
            try:
                arrived.extend(os.read(master, 4096))
            except OSError:
                return

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    for frame in frames:
        port.write(frame)
        port.read()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        port.read()
    stop.set()
    os.write(slave, b"!")
    port.close()
    thread.join(1)
    os.close(slave)
    os.close(master)
    return bytes(arrived).rstrip(b"!")


FRAMES = [bytes([n] * 20) + b"\0" for n in range(1, 21)]


def test_without_faults_everything_passes():
    assert through(Faults(), FRAMES) == b"".join(FRAMES)


def test_the_same_seed_gives_the_same_faults():
    faults = Faults(flip=0.01, drop=0.01, duplicate=0.2)
    once, again = through(faults, FRAMES), through(faults, FRAMES)
    assert once == again != b"".join(FRAMES)


def test_each_fault_does_what_it_says():
    whole = b"".join(FRAMES)
    flipped = through(Faults(flip=0.01), FRAMES)
    assert len(flipped) == len(whole)
    bits = sum((a ^ b).bit_count() for a, b in zip(flipped, whole, strict=True))
    assert 10 < bits < 100
    assert len(whole) * 0.7 < len(through(Faults(drop=0.1), FRAMES)) < len(whole)
    doubled = through(Faults(duplicate=1.0), FRAMES)
    assert doubled == b"".join(frame * 2 for frame in FRAMES)
    turned = through(Faults(reorder=0.5), FRAMES).split(b"\0")[:-1]
    assert sorted(turned) == sorted(frame[:-1] for frame in FRAMES)
    assert turned != [frame[:-1] for frame in FRAMES]
    assert through(Faults(delay=1.0, stall=0.1), FRAMES) == whole


def test_a_disconnected_port_stays_so(terminal):
    _, name = terminal
    port = Port(name, FaultyPort(open_port(name).serial, Faults(disconnect=1.0)))
    for _ in range(3):
        with pytest.raises(DeviceError, match="device disconnected"):
            port.write(b"abc\0")
    port.close()
