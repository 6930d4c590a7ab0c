"""Hold every form of every operator against TFLite Micro and write docs/judged.md.

Runs the generators of tests/ops: `python tools/judge_page.py` (about ten minutes).
"""

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/judged.md"
DEFAULT_COUNT = 200

HEAD = """# Held against TFLite Micro
Written by `python tools/judge_page.py`; a test holds its rows to the tests in `tests/ops/`, which
check the same thing in every run.

Each row is a generator of random single-operator files: shapes, scales, zero points, options and
inputs at random, limits included. The judge is the `tflite-micro` interpreter, version {version}.
The last columns count the values in which a form's output differs from it. Functions of one value
see every possible input.

| operator | files | parameter sets | values | {forms} |
|---|---|---|---|{bars}|
"""


def rows() -> Iterator[tuple[str, object, int]]:
    """Stem, generator and number of parameter sets of every differential test."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for path in sorted((ROOT / "tests/ops").glob("test_*.py")):
        module = importlib.import_module(f"ops.{path.stem}")
        test = getattr(module, "test_equals_tflm", None)
        if test is None:
            continue
        for entry in _entries(test):
            make, count = entry if isinstance(entry, tuple) else (entry, DEFAULT_COUNT)
            yield path.stem.removeprefix("test_"), make, count


def _entries(test: object) -> list[object]:
    """What the test is parametrized with, form apart."""
    for mark in test.pytestmark:
        if mark.args[0] == "make" or mark.args[0] == ("make", "count"):
            return list(mark.args[1])
    raise ValueError(f"{test} is not parametrized by `make`")


def label(stem: str, make: object) -> str:
    return "" if make.__name__ == stem else make.__name__.replace("_", " ")


def main() -> None:
    from importlib.metadata import version

    listed = list(rows())
    from support.forms import FORMS, cases

    lines, totals = [], dict.fromkeys(FORMS, 0)
    values = sets = 0
    for stem, make, count in listed:
        start = time.monotonic()
        chosen = cases(make, count)
        size = sum(output.size for case in chosen for output in case.outputs)
        differing = {}
        for form, run in FORMS.items():
            answers = run([(case.graph, case.inputs) for case in chosen])
            differing[form] = sum(
                int(np.count_nonzero(ours != theirs.reshape(ours.shape)))
                for case, answer in zip(chosen, answers, strict=True)
                for ours, theirs in zip(answer, case.outputs, strict=True)
            )
            totals[form] += differing[form]
        values, sets = values + size, sets + count
        counts = " | ".join(str(n) for n in differing.values())
        lines.append(f"| `{stem}` | {label(stem, make)} | {count} | {size} | {counts} |")
        print(lines[-1], f"{time.monotonic() - start:.1f} s", flush=True)
    total = " | ".join(f"**{n}**" for n in totals.values())
    lines.append(f"| **all** | | **{sets}** | **{values}** | {total} |")
    head = HEAD.format(
        version=version("tflite-micro"),
        forms=" | ".join(FORMS),
        bars="|".join("---" for _ in FORMS),
    )
    PAGE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
