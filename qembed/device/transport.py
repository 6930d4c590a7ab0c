"""A serial port by its URL: open it without waking resets, read, write, and say what is wrong."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import serial

from qembed.errors import DeviceError

READ_TICK = 0.02
"""Seconds that a read waits: how late a time-out or Ctrl-C may be noticed."""
WRITE_TIMEOUT = 10.0
"""Seconds until a line that takes no byte (flow control, a full pseudo-terminal) counts as dead."""
CHUNK = 4096
SERIAL_GROUP = "dialout"
"""The group of serial ports on most systems."""


class SerialPort(Protocol):
    """The part of pyserial's interface that is used; `qembed.testing.FaultyPort` has it too."""

    baudrate: int

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""

    def read(self, size: int = 1) -> bytes:
        """Read up to `size` bytes within the port's time-out."""

    def write(self, data: bytes) -> int | None:
        """Send bytes."""

    def close(self) -> None:
        """Release the port."""


@dataclass(frozen=True, slots=True)
class Port:
    """An open port.

    Attributes
    ----------
    url : str
        For messages.
    serial : SerialPort
    """

    url: str
    serial: SerialPort

    def read(self) -> bytes:
        """Return what has arrived, after at most `READ_TICK` seconds.

        Raises
        ------
        DeviceError
            If the port is gone.
        """
        with _explained(self.url):
            data = self.serial.read(1)
            while data and len(data) < CHUNK and (count := self.serial.in_waiting):
                data += self.serial.read(min(count, CHUNK))
            return data

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises
        ------
        DeviceError
            If the port is gone or takes nothing.
        """
        with _explained(self.url):
            self.serial.write(data)

    @property
    def speed(self) -> str:
        """Say how fast it was opened, for messages; empty where bytes have no pace."""
        return "" if "://" in self.url else f" at {self.serial.baudrate} baud"

    def set_baud(self, baud: int) -> None:
        """Change the bits per second.

        Raises
        ------
        DeviceError
            If the port is gone, or cannot be so fast.
        """
        with _explained(self.url):
            self.serial.baudrate = baud

    def close(self) -> None:
        """Release the port; never fails."""
        with contextlib.suppress(OSError, serial.SerialException):
            self.serial.close()


def open_port(url: str, baud: int = 115200, *, rtscts: bool = False, reset: bool = False) -> Port:
    """Open a port: ``/dev/ttyUSB0``, ``COM3``, ``socket://host:port``, ``rfc2217://host:port``.

    Parameters
    ----------
    url : str
        Anything pyserial opens.
    baud : int
        Bits per second; of no meaning for sockets and pseudo-terminals.
    rtscts : bool
        Hardware flow control.
    reset : bool
        Raise DTR and RTS, which resets many boards. By default both stay down.

    Raises
    ------
    DeviceError
        If the port does not exist, is in use, or may not be opened.
    """
    options: dict[str, Any] = {} if "://" in url else {"exclusive": True}
    with _explained(url):
        port = serial.serial_for_url(
            url,
            baudrate=baud,
            timeout=READ_TICK,
            write_timeout=WRITE_TIMEOUT,
            rtscts=rtscts,
            do_not_open=True,
            **options,
        )
        port.dtr = reset
        if not rtscts:
            port.rts = reset
        port.open()
    return Port(url, port)


@contextlib.contextmanager
def _explained(url: str) -> Any:
    try:
        yield
    except serial.SerialTimeoutException:
        raise DeviceError(
            f"port {url} took no byte for {WRITE_TIMEOUT:g} s; check flow control and the board"
        ) from None
    except (serial.SerialException, OSError, ValueError) as error:
        raise DeviceError(_explain(url, error)) from None


def _explain(url: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return f"port {url} does not exist; ports here: {_ports_here()}"
    if number in (errno.EACCES, errno.EPERM):
        return f"no permission to open port {url}; type: {permission_remedy(url)}"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return f"port {url} is in use{_user_of(url)}; close it there first"
    return f"port {url} failed: {str(error).strip() or type(error).__name__}"


def _ports_here() -> str:
    from serial.tools import list_ports  # looks through the system: only when it is asked for

    return ", ".join(sorted(port.device for port in list_ports.comports())) or "none"


def permission_remedy(path: str) -> str:
    """Give the command that lets this user open a port: join its group, or first give it one.

    Where no group but root's may open it, a udev rule gives ports of its kind to `SERIAL_GROUP`.
    """
    try:
        group, mode = Path(path).group(), Path(path).stat().st_mode
    except (OSError, KeyError, NotImplementedError):
        group, mode = SERIAL_GROUP, 0o660
    join = "sudo usermod -aG {} $USER, then log in again"
    if group != "root" and mode & 0o060 == 0o060:
        return join.format(group)
    kind = Path(path).name.rstrip("0123456789")
    rule = f'KERNEL=="{kind}[0-9]*", GROUP="{SERIAL_GROUP}", MODE="0660"'
    return (
        f"echo '{rule}' | sudo tee /etc/udev/rules.d/70-qembed.rules && sudo udevadm control"
        f" --reload && sudo udevadm trigger && {join.format(SERIAL_GROUP)}"
    )


def _user_of(path: str) -> str:
    """Name the process that has a port open, where the system tells."""
    try:
        target = Path(path).resolve(strict=True)
    except OSError:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):
            if any(link.resolve() == target for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text().strip()
                return f" by {name} (process {process.name})"
    return ""
