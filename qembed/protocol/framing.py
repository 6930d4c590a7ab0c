"""Frames on a byte stream: docs/protocol.md, section 1."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from cobs import cobs

DELIMITER = b"\0"
CRC_BYTES = 4
MAX_BODY = 1 << 16
"""No frame is longer; what is, is noise, and must not pile up."""


def encode(body: bytes) -> bytes:
    """Return the frame that carries `body`, its delimiter included."""
    crc = zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    return bytes(cobs.encode(body + crc)) + DELIMITER


def longest_frame(body_bytes: int) -> int:
    """Most bytes that a frame of so large a body takes on the line."""
    code = body_bytes + CRC_BYTES
    return code + code // 254 + 1 + len(DELIMITER)


class Decoder:
    """Cut a byte stream into bodies, however it was split; what is damaged is counted and skipped.

    Attributes
    ----------
    damaged : int
        Frames skipped so far.
    received : int
        Bytes fed so far.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self.received = 0
        self._pending = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each body that `data` completes."""
        self.received += len(data)
        *ended, rest = data.split(DELIMITER)
        for piece in ended:
            self._add(piece)
            code, overlong = bytes(self._pending), self._overlong
            self._pending.clear()
            self._overlong = False
            body = None if overlong else _open(code)
            if body is not None:
                yield body
            elif code or overlong:
                self.damaged += 1
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        if len(self._pending) + len(piece) > MAX_BODY + MAX_BODY // 128:
            self._overlong = True
            self._pending.clear()
        else:
            self._pending += piece


def _open(code: bytes) -> bytes | None:
    try:
        content = bytes(cobs.decode(code))
    except cobs.DecodeError:
        return None
    body, crc = content[:-CRC_BYTES], content[-CRC_BYTES:]
    if len(content) < CRC_BYTES or zlib.crc32(body) != int.from_bytes(crc, "little"):
        return None
    return body
