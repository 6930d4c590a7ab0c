"""Against CMSIS-NN called directly: same model, board, compiler, counter and output bytes.

    python bench/cmsis_nn.py [--board NAME ...] [--cmsis-nn DIR] [MODEL.tflite ...]

Straight-line calls to CMSIS-NN run every layer that it can; qembed's kernels run the others in both
columns. Counts are exact and repeat; cycles are estimates from the core's manual; code is flash
without weights. Without models: those below ``$QEMBED_SHARED/models``. Without a folder: the
CMSIS-NN 4.0.0 that the Python package bakenn carries.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from qembed.boards import load_board
from qembed.device.bench import Cost, bench
from qembed.importers import import_model

MODELS = ("kws_int8", "ic_int8", "ad_int8", "person_detect")
BOARDS = ("mps2-an386", "mps2-an385-m0", "mps3-an547")
COLUMNS = ("instructions", "estimated_cycles", "arena_bytes", "code_bytes", "flash_bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--board", action="append", metavar="NAME")
    parser.add_argument("--cmsis-nn", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    folder = arguments.cmsis_nn or packaged()
    print(f"{'model':14} {'board':14} {'':18}{'qembed':>13}{'CMSIS-NN':>13}{'ratio':>8}")
    for path in arguments.models or shared_models():
        graph = import_model(path)
        for name in arguments.board or BOARDS:
            board = load_board(name)
            show(bench(graph, board), bench(graph, board, cmsis_nn=folder))


def show(ours: Cost, theirs: Cost) -> None:
    title = f"{ours.model:14} {ours.board:14}"
    for column in COLUMNS:
        a, b = getattr(ours, column), getattr(theirs, column)
        if a is not None and b is not None:
            label = column.removesuffix("_bytes").replace("_", " ")
            print(f"{title} {label:18}{a:13,}{b:13,}{a / b:8.3f}", flush=True)
            title = " " * len(title)


def packaged() -> Path:
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        sys.exit("name a CMSIS-NN with --cmsis-nn, or: pip install bakenn==1.0.0")
    return Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"


def shared_models() -> list[Path]:
    folder = os.environ.get("QEMBED_SHARED")
    if not folder:
        sys.exit("name a model, or set QEMBED_SHARED to the folder of the shared ones")
    return [Path(folder) / "models" / f"{name}.tflite" for name in MODELS]


if __name__ == "__main__":
    main()
