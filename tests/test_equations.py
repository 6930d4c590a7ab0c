"""The numbers that docstrings cite are those of docs/arithmetic.md, and none there is idle."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_equations_and_citations_agree():
    text = (ROOT / "docs/arithmetic.md").read_text(encoding="utf-8")
    defined = [int(n) for n in re.findall(r"^ +\((\d+)\) ", text, re.MULTILINE)]
    cited = {
        int(number)
        for path in (ROOT / "qembed").rglob("*.py")
        for sentence in re.findall(r"equations? (\(\d+\)(?:, \(\d+\))*)", path.read_text("utf-8"))
        for number in re.findall(r"\d+", sentence)
    }
    assert sorted(defined) == list(range(1, len(defined) + 1))
    assert set(defined) == cited
