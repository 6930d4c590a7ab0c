"""Write docs/operators.md from the registries: which operator exists in which form and width."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from qembed.export.ops import TUNED
from qembed.importers.onnx.ops import CONVERTERS as ONNX_CONVERTERS
from qembed.importers.onnx.rewrite import FORMS
from qembed.importers.tflite.ops import CONVERTERS
from qembed.ops import OPERATORS

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs/operators.md"
HEAD = """# Operators
Generated from the registries by `python tools/operators_page.py`; a test holds it to them.

Every operator has a NumPy reference, a host kernel and a portable C99 device kernel. "Tuned" lists
the instruction sets for which a layer of it may run a faster device kernel with the same bytes.
"""


def widths(stem: str) -> str:
    """Types that the first input may have, as `infer` states them."""
    source = inspect.getsource(inspect.getmodule(OPERATORS[stem].infer))
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "require_dtype":
            try:
                return ", ".join(ast.literal_eval(call.args[1]))
            except ValueError:
                continue
    return "any"


def imported_as() -> dict[str, list[str]]:
    """TFLite operators by the stem of the module that converts them."""
    table: dict[str, list[str]] = {}
    for name, convert in sorted(CONVERTERS.items()):
        table.setdefault(convert.__module__.rsplit(".", 1)[1], []).append(name)
    return table


def document() -> str:
    """The whole page."""
    lines = [HEAD, "| operator | input types | tuned |", "|---|---|---|"]
    for stem in OPERATORS:
        tuned = [variant for variant, table in TUNED.items() if stem in table]
        lines.append(f"| `{stem}` | {widths(stem)} | {', '.join(tuned)} |")
    lines += [
        "",
        "## From TensorFlow Lite",
        "One operator of a file may become several nodes, or share one kind of node with others.",
        "",
        "| importer | TFLite operators |",
        "|---|---|",
    ]
    lines += [f"| `{stem}` | {', '.join(names)} |" for stem, names in imported_as().items()]
    both = sorted({*ONNX_CONVERTERS, *FORMS, "QLinearConcat"})
    lines += ["", "## From ONNX", f"{', '.join(both)}.", "", "What of each: [ONNX](onnx.md)."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
