"""The link's C, compiled here, as a process behind a pseudo-terminal that can be reset."""

import os
import pty
import subprocess
import threading
import tty
from pathlib import Path

import numpy as np

from qembed.device.transport import open_port
from qembed.resources import firmware_templates

WARNINGS = "all extra pedantic conversion sign-conversion shadow cast-qual strict-prototypes undef"
STRICT = ["-std=c99", "-Werror", *(f"-W{name}" for name in WARNINGS.split())]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compile_link(
    output: Path, *flags: str, main: str = "link_firmware.c", link: Path | None = None
) -> Path:
    """Compile the runtime, or another `link` in its place, with one of the mains here."""
    templates = firmware_templates()
    runtime = templates / "runtime"
    sources = [Path(__file__).with_name(main), runtime / "qe_hash.c", link or runtime / "qe_link.c"]
    if main.endswith("_firmware.c"):
        sources.append(templates / "boards/_common/posix_port.c")
    if main.startswith("mlperf"):
        sources.append(runtime / "qe_mlperf.c")
    includes = [f"-I{templates / folder}" for folder in ("runtime", "kernels/include")]
    command = ["gcc", *STRICT, "-O2", "-DQE_OBSERVE", *includes, *flags, *sources, "-o", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return output


class Board:
    """A firmware process. `reset` replaces it, and the terminal stays."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.url = os.ttyname(self.slave)
        self.process: subprocess.Popen | None = None
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.stop()
            self.process = subprocess.Popen([self.program], stdin=self.master, stdout=self.master)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def open(self):
        return open_port(self.url)

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        os.close(self.master)
        os.close(self.slave)


SMALL, WIDE, ADDER, ROWS = 0, 1, 2, 3


def expected(model: int, history: list[bytes]) -> list[bytes]:
    """Outputs of all layers for the last sample; only ADDER remembers the others."""
    x = np.frombuffer(history[-1], np.uint8)
    if model == SMALL:
        y = 3 * x + np.uint8(1)
        layers = [y, y.reshape(5, 8).sum(axis=1)]
    elif model == ROWS:
        y = 2 * x + np.uint8(1)
        layers = [y, y.reshape(5, 11).sum(axis=1)]
    elif model == WIDE:
        turned = ~x[300:][::-1]
        layers = [turned, x[:300] ^ turned[:300]]
    else:
        layers = [sum(np.frombuffer(data, np.uint8).astype(int) for data in history) + 7]
    return [layer.astype(np.uint8).tobytes() for layer in layers]
