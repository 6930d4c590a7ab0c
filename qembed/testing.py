"""For tests, of qembed and of what is built on it: serial ports that misbehave, or take time."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass

import serial

from qembed.device.transport import READ_TICK, SerialPort

DELIMITER = 0
LONGEST_DELAY = 0.02
"""Seconds that a delayed frame may wait."""
LONGEST_STALL = 0.5
"""Seconds that a stalled line may be silent."""
HELD_BACK = 0.05
"""Seconds after which a reordered frame goes on although none has overtaken it."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each fault happens: probabilities in [0, 1].

    Attributes
    ----------
    flip : float
        Per bit.
    drop : float
        Per byte.
    duplicate, reorder, delay, stall : float
        Per frame (what ends with a zero byte). Reordered: the next frame overtakes it.
    split : float
        Per read: less is returned than is there.
    disconnect : float
        Per frame: the port raises `serial.SerialException` from then on.
    """

    flip: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    stall: float = 0.0
    split: float = 0.0
    disconnect: float = 0.0


class FaultyPort:
    """A pyserial port with faults in both directions, the same ones for the same seed.

    Parameters
    ----------
    port : SerialPort
        The real one; closed together with this one.
    faults : Faults
    seed : int
    """

    def __init__(self, port: SerialPort, faults: Faults, seed: int = 0) -> None:
        self._port = port
        self._faults = faults
        self._up = _Line(faults, random.Random(seed))
        self._down = _Line(faults, random.Random(~seed))
        self._random = random.Random(seed ^ 0x5EED)
        self._arrived = bytearray()
        self.timeout: float = READ_TICK

    @property
    def baudrate(self) -> int:
        """Bits per second of the real port."""
        return self._port.baudrate

    @baudrate.setter
    def baudrate(self, baud: int) -> None:
        self._port.baudrate = baud

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        self._pump()
        return len(self._arrived)

    def read(self, size: int = 1) -> bytes:
        """Return up to `size` bytes, at least one unless the time-out passes."""
        end = time.monotonic() + self.timeout
        while not self.in_waiting and time.monotonic() < end:
            self._arrived += self._down.push(self._port.read(1))
        if self._random.random() < self._faults.split:
            size = self._random.randint(1, size)
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        return data

    def write(self, data: bytes) -> int:
        """Send `data`, or what the line makes of it."""
        self._forward(self._up.push(data))
        return len(data)

    def close(self) -> None:
        """Release the port."""
        self._port.close()

    def _pump(self) -> None:
        self._forward(self._up.push(b""))
        count = self._port.in_waiting
        self._arrived += self._down.push(self._port.read(count) if count else b"")

    def _forward(self, data: bytes) -> None:
        if data:
            self._port.write(data)


class _Line:
    """One direction: bytes go in, other bytes come out, some of them later."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self._faults = faults
        self._random = rng
        self._frame = bytearray()
        self._queue: deque[tuple[float, bytes]] = deque()
        self._held: tuple[float, bytes] | None = None
        self._free_at = 0.0
        self._dead = False

    def push(self, data: bytes) -> bytes:
        """Take what enters the line; return what leaves it now."""
        now = time.monotonic()
        for byte in data:
            self._frame.append(byte)
            if byte == DELIMITER:
                self._enter(bytes(self._frame), now)
                self._frame.clear()
        if self._dead:
            raise serial.SerialException("device disconnected")
        if self._held is not None and self._held[0] <= now:
            self._queue.append((now, self._held[1]))
            self._held = None
        out = bytearray()
        while self._queue and self._queue[0][0] <= now:
            out += self._queue.popleft()[1]
        return bytes(out)

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate

    def _enter(self, frame: bytes, now: float) -> None:
        if self._happens(self._faults.disconnect):
            self._dead = True
        if self._happens(self._faults.stall):
            self._free_at = now + self._random.uniform(0, LONGEST_STALL)
        if self._happens(self._faults.delay):
            self._free_at = max(self._free_at, now + self._random.uniform(0, LONGEST_DELAY))
        damaged = self._damage(frame)
        copies = 2 if self._happens(self._faults.duplicate) else 1
        if self._held is None and self._happens(self._faults.reorder):
            self._held = now + HELD_BACK, damaged
            copies -= 1
        self._queue.extend([(self._free_at, damaged)] * copies)
        if self._held is not None and copies and self._held[1] is not damaged:
            self._queue.append((self._free_at, self._held[1]))
            self._held = None

    def _damage(self, frame: bytes) -> bytes:
        if not self._faults.flip and not self._faults.drop:
            return frame
        out = bytearray()
        for byte in frame:
            if self._happens(self._faults.drop):
                continue
            if self._happens(1 - (1 - self._faults.flip) ** 8):
                byte ^= 1 << self._random.randrange(8)
            out.append(byte)
        return bytes(out)


class PacedPort:
    """A pyserial port that passes bytes on at the pace of 8N1, ten bits a byte, in each direction.

    Parameters
    ----------
    port : SerialPort
        One that has no pace of its own, such as a pseudo-terminal; closed together with this one.
    baud : int
        Of the device.

    Attributes
    ----------
    baudrate : int
        Of the host: at another than the device's, other bytes arrive than are sent.
    """

    PIECE = 16
    """Bytes that are passed on at a time, as from the FIFO of a UART."""

    def __init__(self, port: SerialPort, baud: int) -> None:
        self._port = port
        self._device_baud = self.baudrate = baud
        self._byte_seconds = 10 / baud
        self._up: deque[tuple[float, bytes]] = deque()
        self._down: deque[tuple[float, bytes]] = deque()
        self._arrived = bytearray()

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        now = time.monotonic()
        while self._up and self._up[0][0] <= now:
            self._port.write(self._up.popleft()[1])
        if count := self._port.in_waiting:
            self._enqueue(self._down, self._port.read(count))
        while self._down and self._down[0][0] <= now:
            self._arrived += self._down.popleft()[1]
        return len(self._arrived)

    def read(self, size: int = 1) -> bytes:
        """Return up to `size` bytes, at least one unless the time-out passes."""
        end = time.monotonic() + READ_TICK
        while not self.in_waiting and time.monotonic() < end:
            time.sleep(self._byte_seconds)
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        return data

    def write(self, data: bytes) -> int:
        """Send `data`; returns at once, like a driver with a large buffer."""
        self._enqueue(self._up, data)
        return len(data)

    def close(self) -> None:
        """Release the port."""
        self._port.close()

    def _enqueue(self, queue: deque[tuple[float, bytes]], data: bytes) -> None:
        if self.baudrate != self._device_baud:
            data = garbled(data)
        at = max(queue[-1][0] if queue else 0.0, time.monotonic())
        for start in range(0, len(data), self.PIECE):
            piece = data[start : start + self.PIECE]
            at += len(piece) * self._byte_seconds
            queue.append((at, piece))


def garbled(data: bytes) -> bytes:
    """Return what a receiver at another rate makes of bytes."""
    return bytes((byte ^ 0xA6) | 0x41 for byte in data)
