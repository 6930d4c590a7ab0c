"""Memory of a long run: a million keyword-spotting inputs from one file.

    python bench/streaming.py [--samples N] MODEL INPUTS.npz

The inputs are repeated into an .npy file of N samples, and `qembed simulate` runs over it in a
process of its own: the file read, mapped, and shared by a cluster of two processes. Prints the
most memory that one process held, and the rate.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LIMIT_MB = 600
CHILD = """
import json, resource, sys, time
import numpy as np
import qembed
if __name__ == "__main__":
    path, model, how = sys.argv[1], qembed.load(sys.argv[2]), sys.argv[3]
    inputs = np.load(path, mmap_mode="r") if how == "mapped" else path
    where = how if ":" in how else None
    start = time.perf_counter()
    run = qembed.simulate(model, inputs, threads=2, saturation=False, cluster=where)
    seconds = time.perf_counter() - start
    # Of this process since it began: what getrusage says counts who started it too.
    status = open("/proc/self/status").read().partition("VmHWM:")[2]
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = max(int(status.split()[0]), workers) / 1024
    print(json.dumps([run.samples, seconds, peak]))
"""


def write_repeated(path: Path, inputs: np.ndarray, samples: int) -> None:
    """An .npy file in which the inputs come again and again."""
    whole = np.lib.format.open_memmap(path, "w+", inputs.dtype, (samples, *inputs.shape[1:]))
    for start in range(0, samples, len(inputs)):
        part = whole[start : start + len(inputs)]
        part[:] = inputs[: len(part)]
    whole.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--samples", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with np.load(arguments.inputs) as arrays:
        inputs = arrays[next(name for name in ("x", "inputs") if name in arrays)]
    within = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "inputs.npy")
        write_repeated(path, inputs, arguments.samples)
        program = Path(folder, "program.py")  # workers of a cluster import it
        program.write_text(CHILD)
        for how in ("read", "mapped", "local:2"):
            command = [sys.executable, str(program), str(path), str(arguments.model), how]
            ran = subprocess.run(command, check=True, capture_output=True, text=True)
            samples, seconds, peak = json.loads(ran.stdout)
            rate = samples / seconds
            print(
                f"{samples:,} samples, {path.stat().st_size / 1e6:.0f} MB, {how}: at most "
                f"{peak:.0f} MB of memory, {rate:,.0f} samples a second"
            )
            within = within and peak < LIMIT_MB
    sys.exit(not within)


if __name__ == "__main__":
    main()
