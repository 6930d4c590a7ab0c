"""docs/cli.md says what the commands say of themselves."""

import importlib.util
from pathlib import Path

from qembed.cli import COMMANDS, Exit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cli.md").read_text()


def test_help_in_the_page_is_that_of_the_commands():
    spec = importlib.util.spec_from_file_location("cli_docs", ROOT / "tools/cli_docs.py")
    cli_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cli_docs)
    assert cli_docs.with_help(PAGE) == PAGE, "run: python tools/cli_docs.py"


def test_every_command_has_its_place():
    for name in COMMANDS:
        assert f"## qembed {name}\n<!-- help: {name} -->\n" in PAGE
        assert f"| `{name}` |" in PAGE


def test_table_of_exit_statuses_is_complete():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert [int(row.split("|")[1]) for row in rows] == [int(status) for status in Exit]
