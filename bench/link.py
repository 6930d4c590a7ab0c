"""The link under load: how busy it keeps a line, sessions with faults of every kind, fuzzed frames.

    python bench/link.py [--sessions 10000] [--frames 10000000]

Ends with status 1 if a line is used by less than 90 %, verifying 600 words on `native` takes 5 s, a
session hangs or has a wrong record, or a frame makes the device's parser touch what is not its own.
The words are those of QEMBED_SHARED, where that is set. Times are those of a machine that does
nothing else; the tests run a small share of all that is not timed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np

from qembed.boards import load_board
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import export_firmware
from qembed.importers import import_model
from qembed.verify.check import verify
from qembed.verify.layers import layers_of
from support import fault_sessions, line_use
from support.link_board import SANITIZE, compile_link

FUZZERS = 2


def lines(folder: Path) -> bool:
    """Payload in the busier direction, as a part of what 8N1 allows."""
    enough = True
    for name in line_use.NETWORKS:
        program = line_use.compile_network(folder, name)
        for baud in (115_200, 921_600):
            used = line_use.best(program, name, baud)
            print(line_use.describe(name, baud, used), flush=True)
            enough &= used >= line_use.ENOUGH
    return enough


def fuzz(folder: Path, frames: int) -> bool:
    """Nearly right frames against the device's parser, under sanitizers."""
    program = compile_link(folder / "fuzz", *SANITIZE, main="link_fuzz.c")
    started = time.monotonic()
    running = [
        subprocess.Popen([program, str(seed), str(frames // FUZZERS)], stdout=subprocess.PIPE)
        for seed in range(1, FUZZERS + 1)
    ]
    said = [process.communicate()[0].decode().strip() for process in running]
    print(*said, f"in {time.monotonic() - started:.0f} s", sep="\n", flush=True)
    return not any(process.returncode for process in running)


def words(folder: Path) -> bool:
    """Real words, every layer of each, against a board that is a process of this machine."""
    shared = os.environ.get("QEMBED_SHARED")
    if not shared:
        print("QEMBED_SHARED is not set: no words to verify")
        return True
    graph = import_model(Path(shared) / "models/kws_int8.tflite")
    with np.load(Path(shared) / "data/kws01.npz") as data:
        real = data["x"].reshape(-1, *graph.tensors[graph.inputs[0]].shape)
    project = export_firmware([graph], load_board("native"), folder / "words")
    with boot(build_firmware(project)) as running:
        port = open_port(running.port_url)
        report = verify(graph, Session(port), layers_of(project.models[0].sources), [real])
        port.close()
    print(f"{report.samples} words on native: {report.verdict} in {report.line.seconds:.1f} s")
    return report.verdict == "equal" and report.line.seconds < 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        good = lines(Path(folder))
        good &= words(Path(folder))
        good &= fuzz(Path(folder), options.frames)
    fault_sessions.main(options.sessions)  # raises at the first wrong record and at a hang
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
