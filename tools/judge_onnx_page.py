"""Hold reference and host form against ONNX Runtime and write docs/judged-onnx.md.

Runs the generators of tests/importers/test_onnx_float32.py and of the operators that only .onnx
files have: `python tools/judge_onnx_page.py` (about a minute).
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/judged-onnx.md"
COUNT = 200
HEAD = """# Held against ONNX Runtime
Written by `python tools/judge_onnx_page.py`; a test holds its rows to the generators of
`tests/importers/test_onnx_float32.py`, which checks the same in every run.

Each row is a generator of random single-operator files, int8 and uint8, operator sets 13 to 21:
shapes, scales, zero points, attributes and inputs at random. The judge is `onnxruntime` {version}
on an x86 processor with VNNI; the profile is `onnxruntime`. The last columns count the values in
which a form's output differs from it. Functions of one value see every possible input.

| operator | parameter sets | values | reference | host |
|---|---|---|---|---|
"""


def rows():
    """Every generator, by name."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from importers.test_onnx_float32 import MAKES
    from ops.test_conv_integer import convolution, wide
    from ops.test_dynamic_quantize import dynamic
    from ops.test_matmul_integer import product

    named = {"ConvInteger": convolution, "ConvInteger, 9 bits": wide}
    named |= {"MatMulInteger": product, "DynamicQuantizeLinear": dynamic}
    return {make.__name__.replace("_", " "): make for make in MAKES} | named


def main() -> None:
    found = rows()
    from support.forms import FORMS
    from support.onnx_files import cases

    lines, sums = [], np.zeros(2, int)
    values = sets = 0
    for name, make in found.items():
        start = time.monotonic()
        count = getattr(make, "sets", COUNT)
        chosen = cases(make, count)
        jobs = [(graph, inputs) for _, graph, inputs, _ in chosen]
        size = sum(output.size for *_, outputs in chosen for output in outputs)
        differing = [
            sum(
                int(np.count_nonzero(ours != theirs.reshape(ours.shape)))
                for (*_, outputs), answer in zip(chosen, FORMS[form](jobs), strict=True)
                for ours, theirs in zip(answer, outputs, strict=True)
            )
            for form in ("reference", "host")
        ]
        values, sets, sums = values + size, sets + count, sums + differing
        lines.append(f"| {name} | {count} | {size} | {differing[0]} | {differing[1]} |")
        print(f"{lines[-1]}  ({time.monotonic() - start:.0f} s)", flush=True)
    total = f"| **together** | {sets} | {values} | {sums[0]} | {sums[1]} |\n"
    head = HEAD.format(version=version("onnxruntime"))
    PAGE.write_text(head + "\n".join([*lines, total]), encoding="utf-8")


if __name__ == "__main__":
    main()
