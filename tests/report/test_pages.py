"""HTML, SVG and JUnit: well-formed, self-contained, and foreign text stays text."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from qembed.plan.picture import Region
from qembed.report import html, junit, svg

EVIL = "</td><script>alert(1)</script>\"&'<img src=x onerror=alert(2)>"
VOID = {"meta", "br", "img"}


def page(good=True):
    regions = [Region("input", 0, 1, 0, 64), Region(EVIL, 1, 2, 64, 2048)]
    memory = svg.memory_map(regions, ["stem", "pool", EVIL], 4096)
    about = [html.Pairs([("name", EVIL), ("hash", "02484")]), html.Prose(EVIL)]
    rows = [["stem", "35,240"], [EVIL, "1"]]
    layers = [
        html.Grid(["layer", ">instructions"], rows, frozenset({1})),
        html.Plot(svg.bars([("stem", 35240.0, "35,240"), (EVIL, 0.0, "0")])),
    ]
    return html.Page(
        title=f"digits on {EVIL}",
        verdict="equal in every byte",
        good=good,
        details=["500 samples", EVIL],
        sections=[
            html.Section("Model", about),
            html.Section("Layers", layers),
            html.Section("Memory", [html.Plot(memory)]),
            html.Section("Time", [html.Plot(svg.histogram(np.arange(100.0) ** 2, "us"))]),
        ],
    )


class Checker(HTMLParser):
    """Every element is closed in order; collects what could run or reach out."""

    def __init__(self, text):
        super().__init__()
        self.open, self.suspects, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "img", "link", "iframe", "object"):
            self.suspects.append(tag)
        self.suspects += [k for k, v in attrs if k.startswith("on") or k in ("src", "href")]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("good", [True, False])
def test_page_is_whole_and_keeps_to_itself(good):
    text = html.render(page(good))
    checked = Checker(text)
    assert checked.suspects == []
    assert "".join(checked.text).count(EVIL) >= 5
    assert ('class="verdict bad"' in text) is not good
    addresses = set(re.findall(r"https?://[^\"' ]+", text)) - {"http://www.w3.org/2000/svg"}
    assert addresses == set() and "@import" not in text and "url(" not in text


def test_plots_are_xml_with_finite_numbers():
    regions = [Region("a", 0, 0, 0, 0), Region(EVIL, 0, 3, 10, 5)]
    plots = [
        svg.bars([]),
        svg.bars([("none", 0.0, "0")]),
        svg.bars([("a", 1.0, "1"), (EVIL, 2.0, EVIL)]),
        svg.histogram(np.zeros(5), "s"),
        svg.memory_map([], [], 0),
        svg.memory_map(regions, ["a", "b", "c", EVIL], 15),
    ]
    for plot in plots:
        for element in ElementTree.fromstring(plot).iter():
            for name in ("x", "y", "width", "height"):
                assert np.isfinite(float(element.get(name, "0")))
                assert name not in ("width", "height") or float(element.get(name, "0")) >= 0


def test_bars_are_as_long_as_their_values():
    root = ElementTree.fromstring(svg.bars([("a", 10.0, ""), ("b", 5.0, ""), ("c", 0.0, "")]))
    widths = [float(r.get("width")) for r in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2) and widths[2] == 0


def test_junit_is_what_build_servers_read():
    text = junit.render(
        EVIL, [junit.Case("stem", 0.25), junit.Case("pool\x00", 0.5, "differs\n" + EVIL)]
    )
    suite = ElementTree.fromstring(text).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("2", "1", "0.750")
    stem, pool = suite.findall("testcase")
    assert stem.find("failure") is None and stem.get("classname") == EVIL
    assert pool.get("name") == "pool\\x00"
    assert pool.find("failure").get("message") == "differs"
    assert pool.find("failure").text == "differs\n" + EVIL


def browser():
    for name in ("chromium-headless-shell", "chromium", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here")


def test_page_in_a_browser(tmp_path):
    """The browser's own tree: what is written is what is shown, and nothing has run."""
    path = tmp_path / "report.html"
    path.write_text(html.render(page()))
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    checked = Checker(done.stdout)
    assert checked.suspects == []
    shown = "".join(checked.text)
    assert "equal in every byte" in shown and "35,240" in shown and shown.count(EVIL) >= 5
    assert done.stdout.count("<rect") == html.render(page()).count("<rect")
