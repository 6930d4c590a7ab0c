"""Pages that are generated from the code say what the code says; links lead somewhere."""

import re
from pathlib import Path

import pytest

from support.tools import load_tool

ROOT = Path(__file__).parents[1]


def test_the_table_of_operators_is_current():
    tool = load_tool("operators_page")
    assert tool.TARGET.read_text() == tool.document(), f"run python tools/{tool.__name__}.py"


def test_the_table_of_boards_is_current():
    tool = load_tool("boards_page")
    assert tool.TARGET.read_text() == tool.document(), f"run python tools/{tool.__name__}.py"


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose)
    assert [t for t in targets if not (page.parent / t).exists()] == []
