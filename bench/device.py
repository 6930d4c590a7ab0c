"""What an inference costs on emulated boards, side by side with CMSIS-NN.

    python bench/device.py [--board NAME ...] [--optimize LEVEL] [--layers] [--cmsis-nn DIR]
                           [MODEL.tflite ...]

Two rivals. CMSIS-NN called directly, built here: same model, board, compiler, flags, counter and
output bytes; straight-line calls run every layer that it can, qembed's kernels the others. And the
whole of TFLM with CMSIS-NN, whose counts are on record. Counts are exact and repeat; cycles are
estimates from the core's manual (`qembed.device.cycles`); code is flash without weights; the stack
is a bound. Without models: those below ``$QEMBED_SHARED/models``. Without a folder: the CMSIS-NN
4.0.0 that the Python package bakenn carries; without that, no such column.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from qembed.boards import load_board
from qembed.device.bench import Cost, bench
from qembed.importers import import_model
from qembed.targets import LEVELS

MODELS = ("kws_int8", "ic_int8", "ad_int8", "person_detect")
BOARDS = ("mps2-an386", "mps2-an385-m0", "mps3-an547")
FIELDS = (
    *("instructions", "estimated_cycles", "arena_bytes"),
    *("code_bytes", "flash_bytes", "stack_bytes"),
)

# Executed instructions of one inference: TFLM of 2026-08 with the CMSIS-NN that it pins,
# arm-none-eabi-gcc 12.2, core -Os, kernels -O2, counted in the same way.
TFLM = {
    "kws_int8": {"mps2-an386": 7_699_261, "mps2-an385-m0": 29_003_639, "mps3-an547": 1_815_158},
    "ic_int8": {"mps2-an386": 29_862_667, "mps2-an385-m0": 97_554_509, "mps3-an547": 4_910_988},
    "ad_int8": {"mps2-an386": 582_891, "mps2-an385-m0": 1_762_842, "mps3-an547": 149_926},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--board", action="append", metavar="NAME")
    parser.add_argument("--optimize", choices=LEVELS, help="of both sides")
    parser.add_argument("--layers", action="store_true", help="instructions of every layer")
    parser.add_argument("--cmsis-nn", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    folder = arguments.cmsis_nn or packaged()
    print(f"{'':48}{'qembed':>13}{'CMSIS-NN':>13}{'ratio':>7}{'TFLM+CMSIS-NN':>15}{'ratio':>7}")
    for path in arguments.models or shared_models():
        graph = import_model(path)
        for name in arguments.board or BOARDS:
            board = load_board(name, arguments.optimize)
            cost = bench(graph, board)
            direct = bench(graph, board, cmsis_nn=folder) if folder else None
            print("\n".join(rows(cost, direct)), flush=True)
            if arguments.layers:
                print("\n".join(layer_rows(cost)), flush=True)


def rows(cost: Cost, direct: Cost | None) -> Iterator[str]:
    """One line a field that the board tells."""
    title = f"{cost.model}, {cost.board}"
    recorded = TFLM.get(cost.model, {}).get(cost.board)
    for field in FIELDS:
        ours = getattr(cost, field)
        if ours is not None:
            theirs = getattr(direct, field) if direct else None
            whole = recorded if field == "instructions" else None
            label = field.removesuffix("_bytes").replace("_", " ")
            peers = against(ours, theirs, 13) + against(ours, whole, 15)
            yield f"{title:30.30} {label:17}{ours:13,}{peers}".rstrip()
            title = ""


def against(ours: int, theirs: int | None, width: int) -> str:
    return f"{theirs:{width},}{ours / theirs:7.3f}" if theirs else " " * (width + 7)


def layer_rows(cost: Cost) -> Iterator[str]:
    for layer in cost.layers:
        count = layer.instructions or 0
        each = f"{count / layer.macs:8.3f} a MAC" if layer.macs else ""
        yield f"    {layer.index:3} {layer.function:38}{count:12,}{each}"


def packaged() -> Path | None:
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"


def shared_models() -> list[Path]:
    folder = os.environ.get("QEMBED_SHARED")
    if not folder:
        sys.exit("name a model, or set QEMBED_SHARED to the folder of the shared ones")
    return [Path(folder) / "models" / f"{name}.tflite" for name in MODELS]


if __name__ == "__main__":
    main()
