"""A serial cable from a board's terminal to one that is opened by a path: its rate, its plug.

A pseudo-terminal keeps the rate that its opener asks for without minding it. This cable does mind.
"""

import contextlib
import os
import pty
import select
import termios
import threading
import tty

from qembed.testing import garbled

SPEEDS = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[1:].isdigit()}


class Cable:
    """Bytes go between the terminal `inner` and the path `link`, whole only at `baud` if given."""

    def __init__(self, inner, link, baud=None):
        self.inner, self.link, self.baud = inner, link, baud
        self.tried = set()
        self.plug_in()

    def plug_in(self):
        self.board = os.open(self.inner, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.board)
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.pulled, self.pull = os.pipe()
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self.slave))
        self.thread = threading.Thread(target=self._pass_on, daemon=True)
        self.thread.start()

    def unplug(self):
        os.write(self.pull, b"x")
        self.thread.join()
        self.link.unlink(missing_ok=True)
        for descriptor in (self.board, self.master, self.slave, self.pulled, self.pull):
            os.close(descriptor)

    def _pass_on(self):
        while True:
            ready, _, _ = select.select([self.board, self.master, self.pulled], [], [])
            if self.pulled in ready:
                return
            for source, sink in ((self.board, self.master), (self.master, self.board)):
                if source in ready:
                    self._forward(source, sink)

    def _forward(self, source, sink):
        data = os.read(source, 4096)
        speed = SPEEDS.get(termios.tcgetattr(self.slave)[4])
        if source == self.master:
            self.tried.add(speed)
        if self.baud is not None and speed != self.baud:
            data = garbled(data)
        with contextlib.suppress(BlockingIOError):
            os.write(sink, data)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.unplug()
