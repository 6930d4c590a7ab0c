"""Arenas of models: buffers apart, as planned, row by row, and with the input pushed row by row.

    python bench/memory.py [--target NAME ...] [MODEL.tflite ...]

Without models: those below ``$QEMBED_SHARED/models``. The peer's column is the arena that TFLM of
2026-08 with CMSIS-NN reports on a Cortex-M4.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from qembed.errors import QembedError, UnsupportedError
from qembed.export import plan_for
from qembed.export.streaming import plan_streaming
from qembed.importers import import_model
from qembed.ir import Graph
from qembed.plan import plan_memory
from qembed.targets import Target, load_target

MODELS = ("kws_int8", "ic_int8", "ad_int8", "person_detect")
TARGETS = ("native", "cortex-m4")
PEER = {"kws_int8": 22_820, "ic_int8": 54_996, "ad_int8": 2_580}


def streamed(graph: Graph, target: Target, pushed: bool) -> str:
    """Smallest arena of layers that run row by row."""
    try:
        return f"{plan_streaming(graph, target, pushed=pushed).plan.arena_bytes:10,}"
    except UnsupportedError:
        return f"{'-':>10}"


def row(path: Path, name: str) -> str:
    graph, target = import_model(path), load_target(name)
    _, plan = plan_for(graph, target)
    apart = plan_memory(graph).arena_bytes
    rows = "".join(streamed(graph, target, pushed) for pushed in (False, True))
    peer = PEER.get(path.stem)
    against = f"{peer:10,}{plan.arena_bytes / peer:7.3f}" if peer else ""
    return f"{path.stem:18}{name:12}{apart:10,}{plan.arena_bytes:10,}{rows}{against}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--target", action="append", metavar="NAME")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("QEMBED_SHARED", "../shared")) / "models"
    models = arguments.models or [shared / f"{name}.tflite" for name in MODELS]
    columns = "".join(f"{name:>10}" for name in ("apart", "plan", "rows", "pushed", "TFLM"))
    print(f"{'model':18}{'target':12}{columns}  ratio")
    try:
        for path in models:
            for name in arguments.target or TARGETS:
                print(row(path, name), flush=True)
    except QembedError as error:
        sys.exit(f"memory.py: {error}")


if __name__ == "__main__":
    main()
