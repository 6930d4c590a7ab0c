"""Speed of the host form against desktop interpreters, in one run, for several networks.

    python bench/host.py [--rounds N] [--isa NAME] MODEL.tflite ...

What `qembed bench MODEL --host` prints. Only ratios mean anything on another machine. None of the
peers computes TensorFlow Lite Micro's bytes; the host form does.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from qembed.cli._common import show
from qembed.importers import import_bytes
from qembed.report.host_bench import bench_host, host_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isa", help="force an instruction set, as QEMBED_ISA does")
    arguments = parser.parse_args()
    if arguments.isa:
        os.environ["QEMBED_ISA"] = arguments.isa
    for path in arguments.models:
        raw = path.read_bytes()
        print(f"{path.name}: ", end="")
        show(host_tables(bench_host(import_bytes(raw, path.name), raw, arguments.rounds)))


if __name__ == "__main__":
    main()
