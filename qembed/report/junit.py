"""Results as JUnit XML, which build servers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Case:
    """One test case. `failure`: what differs, or empty."""

    name: str
    seconds: float
    failure: str = ""


def render(suite: str, cases: Sequence[Case]) -> str:
    """Return the XML of a test suite."""
    failures = sum(bool(case.failure) for case in cases)
    root = ElementTree.Element("testsuites")
    attributes = {
        "name": _xml(suite),
        "tests": str(len(cases)),
        "failures": str(failures),
        "errors": "0",
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }
    element = ElementTree.SubElement(root, "testsuite", attributes)
    for case in cases:
        fields = {"classname": _xml(suite), "name": _xml(case.name), "time": f"{case.seconds:.3f}"}
        inner = ElementTree.SubElement(element, "testcase", fields)
        if case.failure:
            text = _xml(case.failure)
            failure = ElementTree.SubElement(inner, "failure", {"message": text.split("\n")[0]})
            failure.text = text
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _xml(text: str) -> str:
    """Return text without the characters that XML cannot hold."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
