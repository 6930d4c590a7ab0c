"""Run a firmware without hardware: an emulator, or the native process, on a pseudo-terminal.

The program speaks the link on its standard input and output, both of which are the master side of a
pseudo-terminal; the other side is a serial port like any other. The program is our child and never
outlives us: it is killed when the block ends in whatever way, and by the kernel if we are killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pty
import signal
import subprocess
import tempfile
import termios
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qembed.boards import Emulator
from qembed.device.build import Firmware
from qembed.device.host_tools import compile_tool, require_program
from qembed.errors import DeviceError, ToolError

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Running:
    """A firmware that runs. `port_url` opens it with pyserial, as often as you like."""

    port_url: str
    process: subprocess.Popen[bytes]
    messages: IO[bytes]

    def obituary(self) -> str:
        """Say how the program ended and its last words; empty while it lives."""
        try:
            status = self.process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            return ""
        how = f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
        self.messages.seek(0)
        lines = self.messages.read().decode("utf-8", "replace").strip().splitlines()
        return f"it ended with {how}" + (f": {lines[-1]}" if lines else "")


@contextlib.contextmanager
def boot(firmware: Firmware, plugin: str = "") -> Iterator[Running]:
    """Start a firmware; inside the block it runs, after the block it does not.

    The device speaks when spoken to: what the host sends while the firmware still starts waits in
    the terminal. Whether it answers is for the session's handshake to say. Linux ties the program's
    life to the thread that starts it: the block must end before that thread does.

    Parameters
    ----------
    firmware : Firmware
    plugin : str
        Argument of the emulator's plugin option; empty for none.

    Raises
    ------
    ToolError
        If the board has no emulator, or its program is not installed.
    DeviceError
        In place of one raised in the block if by then the program has ended, with the reason.
    """
    command = _command(firmware, plugin)
    with contextlib.ExitStack() as stack:
        messages = stack.enter_context(tempfile.TemporaryFile())
        master, slave = pty.openpty()
        stack.callback(os.close, slave)  # held open, so that a client may close and reopen it
        with os.fdopen(master, "r+b", buffering=0) as terminal:
            _make_raw(slave)
            process = _spawn(command, terminal, messages)
        stack.callback(_kill, process)
        running = Running(os.ttyname(slave), process, messages)
        try:
            yield running
        except DeviceError as error:
            reason = running.obituary()
            if not reason:
                raise
            raise DeviceError(
                f"the firmware on board '{firmware.board.name}' stopped running, {reason}"
            ) from error


def prepare_runner(emulator: Emulator) -> Path:
    """Compile the emulator's own program, or return what was compiled before.

    Raises
    ------
    ToolError
        If the compiler or a library is missing.
    """
    libraries = [f"-l{library}" for library in emulator.libraries]
    return compile_tool(emulator.runner, libraries, (emulator.package,))


def _make_raw(terminal: int) -> None:
    """Bytes pass unchanged, even if the program (QEMU does) switches output processing on."""
    tty.setraw(terminal)
    attributes = termios.tcgetattr(terminal)
    attributes[1] = 0
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


def _command(firmware: Firmware, plugin: str) -> list[str]:
    board, emulator = firmware.board, firmware.board.emulator
    if emulator is None:
        raise ToolError(f"board '{board.name}' has no emulator; name its serial port with --port")
    packages = (emulator.package,) if emulator.package else ()
    runner = prepare_runner(emulator) if emulator.runner else ""
    values = {"{elf}": str(firmware.elf), "{runner}": str(runner)}
    command = [values.get(part, part) for part in emulator.command]
    require_program(command[0], f"run board '{board.name}'", packages)
    if plugin:
        command[1:1] = [emulator.plugin_option, plugin]
    return command


def _spawn(
    command: Sequence[str], terminal: IO[bytes], messages: IO[bytes]
) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request was in place
            os._exit(1)

    try:
        return subprocess.Popen(
            command,
            stdin=terminal,
            stdout=terminal,
            stderr=messages,
            process_group=0,  # Ctrl-C in the user's terminal is ours to handle
            preexec_fn=die_with_parent,
        )
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}: {error.strerror}") from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
