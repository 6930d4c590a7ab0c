"""Instructions and memory of exported models on emulated boards, against TFLM with CMSIS-NN.

    python bench/device.py [--board NAME ...] [--layers] [MODEL.tflite ...]

Counts are exact and repeat. Without models: those below ``$QEMBED_SHARED/models``.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from qembed.boards import load_board
from qembed.device.bench import Cost, bench
from qembed.importers import import_bytes

MODELS = ("kws_int8", "ic_int8", "ad_int8", "person_detect")
BOARDS = ("mps2-an386", "mps2-an385-m0")

# Executed instructions of one inference: TFLM of 2026-08 with the CMSIS-NN that it pins,
# arm-none-eabi-gcc 12.2, core -Os, kernels -O2, counted in the same way.
PEER = {
    "kws_int8": {"mps2-an386": 7_699_261, "mps2-an385-m0": 29_003_639, "mps3-an547": 1_815_158},
    "ic_int8": {"mps2-an386": 29_862_667, "mps2-an385-m0": 97_554_509, "mps3-an547": 4_910_988},
    "ad_int8": {"mps2-an386": 582_891, "mps2-an385-m0": 1_762_842, "mps3-an547": 149_926},
}


def row(cost: Cost) -> str:
    peer = PEER.get(cost.model, {}).get(cost.board)
    against = f"{'':15}{'':7}"
    if peer and cost.instructions:
        against = f"{peer:15,}{cost.instructions / peer:7.3f}"
    numbers = (cost.code_bytes, cost.flash_bytes, cost.arena_bytes, cost.stack_bytes or 0)
    return f"{cost.model:15}{cost.board:15}{cost.instructions or 0:13,}{against}" + "".join(
        f"{number:10,}" for number in numbers
    )


def layer_rows(cost: Cost) -> list[str]:
    rows = []
    for layer in cost.layers:
        count = layer.instructions or 0
        each = f"{count / layer.macs:8.3f} a MAC" if layer.macs else ""
        rows.append(f"    {layer.index:3} {layer.function:34}{count:12,}{each}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--board", action="append", metavar="NAME")
    parser.add_argument("--layers", action="store_true", help="instructions of every layer")
    arguments = parser.parse_args()
    print(
        f"{'model':15}{'board':15}{'instructions':>13}{'TFLM+CMSIS-NN':>15}{'ratio':>7}"
        f"{'code':>10}{'flash':>10}{'arena':>10}{'stack':>10}"
    )
    for path in arguments.models or shared_models():
        graph = import_bytes(path.read_bytes(), path.stem)
        for name in arguments.board or BOARDS:
            cost = bench(graph, load_board(name))
            print("\n".join([row(cost), *(layer_rows(cost) if arguments.layers else [])]))


def shared_models() -> list[Path]:
    folder = os.environ.get("QEMBED_SHARED")
    if not folder:
        sys.exit("name a model, or set QEMBED_SHARED to the folder of the shared ones")
    return [Path(folder) / "models" / f"{name}.tflite" for name in MODELS]


if __name__ == "__main__":
    main()
