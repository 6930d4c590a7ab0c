"""Write tests/costs.json: what one inference costs on emulated boards. A test holds new code to it.

python tools/costs.py   (QEMBED_SHARED names the folder of the shared models)
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from qembed import container
from qembed.boards import load_board
from qembed.device.bench import bench
from qembed.importers import import_model
from qembed.ir import Graph
from qembed.resources import PACKAGE

TABLE = Path(__file__).parents[1] / "tests/costs.json"
CASES = (
    ("digits", "mps2-an386"),
    ("kws_int8", "mps2-an386"),
    ("ic_int8", "mps2-an386"),
    ("ad_int8", "mps2-an386"),
    ("person_detect", "mps2-an386"),
    ("kws_int8", "mps2-an385-m0"),
    ("kws_int8", "mps3-an547"),
    ("ic_int8", "mps3-an547"),
    ("ad_int8", "mps3-an547"),
    ("person_detect", "mps3-an547"),
)
FIELDS = ("instructions", "code_bytes", "flash_bytes", "arena_bytes", "stack_bytes")


def graph_of(model: str, shared: Path | None) -> Graph:
    """A bundled or a shared model."""
    if model == "digits":
        return container.load(PACKAGE / "data/digits.npz")
    if shared is None:
        raise SystemExit("set QEMBED_SHARED to the folder of the shared models")
    return import_model(shared / f"models/{model}.tflite")


def measure(model: str, board: str, shared: Path | None) -> dict[str, int]:
    """Instructions of one inference and bytes of a firmware that does nothing else."""
    cost = bench(graph_of(model, shared), load_board(board))
    return {field: getattr(cost, field) for field in FIELDS}


def main() -> None:
    folder = os.environ.get("QEMBED_SHARED")
    shared = Path(folder) if folder else None
    table = {f"{m} on {b}": measure(m, b, shared) for m, b in CASES}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
