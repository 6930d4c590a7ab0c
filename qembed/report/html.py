"""Results as one self-contained HTML page: no scripts, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

import jinja2

import qembed


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values."""

    rows: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "pairs"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; columns that start with ">" are numbers. `marked`: rows that are bad news."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[int] = frozenset()
    kind: ClassVar[str] = "grid"


@dataclass(frozen=True, slots=True)
class Plot:
    """SVG of `qembed.report.svg`: the only text that is not escaped."""

    svg: str
    kind: ClassVar[str] = "plot"


@dataclass(frozen=True, slots=True)
class Prose:
    """A sentence."""

    text: str
    kind: ClassVar[str] = "prose"


Block = Pairs | Grid | Plot | Prose


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that a page says. `details` stand below the verdict."""

    title: str
    verdict: str
    good: bool
    details: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=tuple)


def render(page: Page) -> str:
    """Return the page as HTML; every text in it is escaped."""
    return _template().render(page=page, version=qembed.__version__, zip=zip)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2")
