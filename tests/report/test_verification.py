"""A verification as tables, test cases and a page: nothing that matters is left out."""

import dataclasses
import subprocess
from xml.etree import ElementTree

import pytest
from rich.console import Console

from qembed import container
from qembed.report import html, junit
from qembed.report.model import summarize
from qembed.report.verification import Result, verification_tables
from qembed.report.verification_page import verification_cases, verification_page
from qembed.resources import PACKAGE
from qembed.targets import load_target
from qembed.verify.agreement import Agreement
from qembed.verify.report import (
    BLAMES,
    Cause,
    Cost,
    Difference,
    LayerSummary,
    LineSummary,
    Memory,
    Report,
    Site,
)
from qembed.verify.trial import choose
from report.test_pages import EVIL, Checker, browser

AGREEMENT = (Agreement("classes", 0.994, 0.0625, 0.03125, 0.5, -0.25, 0.75, None, 0.875),)
QUANTILES_OF_COST = tuple(271_692.0 + 285.5 * n for n in range(11))
COST = Cost("instructions", 271_692.0, 272_871.0, 274_547.0, QUANTILES_OF_COST)
LINE = LineSummary(120, 7, 3, 44_530, 63_146, 11, 2, 1, 1.5)
MEMORY = Memory(8_656, 296, 312)


@pytest.fixture(scope="module")
def graph():
    return container.load(PACKAGE / "data" / "digits.npz")


@pytest.fixture(scope="module")
def trial(graph):
    return choose(graph, "all", samples=5)


def difference(blame="board", **fields):
    first = Difference(
        sample=4, layer=1, name=EVIL, op="conv", variant="dsp", function="qe_conv_dsp", tensor="t",
        index=(0, 3, 5, 7), accumulator=-12_345, expected=17.0, got=-128.0,
        differing=40, elements=512, largest=145.0, blame=blame, pattern="every fourth channel",
        causes=(
            Cause("rounding", "rounds once"),
            Cause("weights", "weights[3] is 5", (), (Site("w", 7, 0x2A41),)),
            Cause("overlap", "overwritten by layer 3"),
        ),
    )  # fmt: skip
    return dataclasses.replace(first, **fields)


def report(first=None, cost=COST):
    wrong = (0, 3) if first else (0, 0)
    layers = tuple(
        LayerSummary(i, i, name, "conv", "dsp", "qe_conv_dsp", n, n, 1000.0 * i if cost else None)
        for i, (name, n) in enumerate(zip(("stem", EVIL), wrong, strict=True))
    )
    return Report(
        verdict="different" if first else "equal", model="digits", hash="02" * 32, port="/dev/x",
        firmware="qembed on board", samples=500, passes=1, differing=wrong[1], layers=layers,
        layer_bytes=3_098_000, first=first, counter_unit="instructions", cost=cost, memory=MEMORY,
        agreement=AGREEMENT, line=LINE,
    )  # fmt: skip


def shown(*reports, trial):
    """What a terminal shows."""
    parts = verification_tables([Result(None, trial, report) for report in reports])
    console = Console(width=120, color_system=None, markup=False, emoji=False, highlight=False)
    with console.capture() as printed:
        for part in parts:
            console.print(part)
    return printed.get()


def test_equal(trial):
    text = " ".join(shown(report(), trial=trial).split())
    assert "EQUAL: 500 samples, 2 layers, 3,098,000 bytes, no difference" in text
    assert "11 damaged, 3 stale, 2 resets of the board, 1 times plugged in again" in text
    assert "272,871 instructions (from 271,692 to 274,547; 99 % within 274,262)" in text
    assert "arena 8,656 bytes, stack 296 bytes (at most 312 without the link)" in text
    assert "corners" in text and "first difference" not in text


def test_a_counter_that_stands_still_is_said_to(trial):
    assert "the board's counter of instructions stands still" in shown(
        report(cost=None), trial=trial
    )


def test_a_long_run_says_how_often(trial):
    many = dataclasses.replace(report(), passes=12, samples=6_000)
    assert "EQUAL: 6,000 samples in 12 passes, 2 layers" in shown(many, trial=trial)


def test_several_boards_are_an_overview_and_what_differs_in_full(trial):
    text = shown(report(), report(difference()), report(cost=None), trial=trial)
    assert text.count("qembed on board ") == 4 and text.count("first difference") == 1
    assert "EQUAL" not in text and "272,871  instructions" in text
    equal = shown(report(), report(), trial=trial)
    assert "first difference" not in equal and equal.count("3,098,000") == 2


@pytest.mark.parametrize("blame", BLAMES)
def test_the_first_difference_is_told_in_full(blame, trial):
    text = shown(report(difference(blame)), trial=trial)
    for words in (
        "DIFFERENT: 3 of 500 samples", "sample", "conv", "qe_conv_dsp (dsp)", "[0, 3, 5, 7]",
        "-12,345", "17", "-128", "40 of 512 elements, by up to 145", BLAMES[blame],
        "every fourth channel", "likely cause  rounds once", "overwritten by layer 3",
        "0x00002a41, w + 7",
    ):  # fmt: skip
        assert words in text


def test_a_second_opinion_decides_who_is_to_blame(trial):
    text = " ".join(shown(report(difference(native="right")), trial=trial).split())
    assert "look at the dsp kernel, the compiler, the port, the memory of the board" in text
    text = shown(report(difference(native="right", variant="portable")), trial=trial)
    assert "look at the compiler" in " ".join(text.split())
    assert "the C code is to blame" in shown(report(difference(native="same")), trial=trial)


def test_differences_without_an_element(trial):
    bare = difference(
        "input", layer=-1, name="", op="", variant="", function="", tensor="", index=()
    )
    text = shown(report(bare), trial=trial)
    assert "expected" not in text and BLAMES["input"] in text
    assert "unknown" in shown(report(difference(got=None)), trial=trial)
    halves = shown(report(difference(got=0.125, largest=1e-9)), trial=trial)
    assert "0.125" in halves and "1e-09" in halves


def test_cases_name_the_layer_that_differs():
    text = junit.render(
        "qembed",
        verification_cases([Result(None, None, r) for r in (report(difference()), report())]),
    )
    suite = ElementTree.fromstring(text).find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "differs in 3 of 500 samples, first in 3"
    assert "element: [0, 3, 5, 7]" in failure.text and "accumulator: -12,345" in failure.text


@pytest.fixture(scope="module")
def pages(graph, trial):
    summary = summarize(graph, load_target("cortex-m4"))
    one, wrong, plain = report(), report(difference()), report(cost=None)
    results = [Result(graph, trial, r) for r in (one, wrong, plain)]
    pages = verification_page(results[:1], summary), verification_page(results[1:])
    return [html.render(page) for page in pages]


def test_pages_hold_everything(pages):
    good, bad = ("".join(Checker(page).text) for page in pages)
    for words in (
        "Equal in every byte", "digits", "3,098,000 bytes", "Memory", "Coverage", "upper clamp",
        "scikit-learn", "written", "NumPy", "1,000", "rmse", "0.0625", "0.994",
    ):  # fmt: skip
        assert words in good
    for words in ("Different", "The first difference", "[0, 3, 5, 7]", BLAMES["board"], EVIL):
        assert words in bad
    assert all(Checker(page).suspects == [] for page in pages)


def test_pages_in_a_browser(pages, tmp_path):
    for page in pages:
        (tmp_path / "page.html").write_text(page)
        command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", (tmp_path / "page.html").as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        assert Checker(done.stdout).suspects == []
        assert done.stdout.count("<rect") == page.count("<rect") >= 4
