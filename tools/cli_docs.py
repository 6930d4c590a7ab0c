"""Write the help of every command into docs/cli.md, between its marks.

    python tools/cli_docs.py

The test of the documentation fails while the file is not what this would write.
"""

import importlib
import re
from pathlib import Path

import click

from qembed.cli import COMMANDS, cli

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
MARK = re.compile(r"(<!-- help: (\w+) -->\n```\n).*?(```\n)", re.DOTALL)


def help_of(name):
    """Help text of a command as an 80-column terminal shows it; machine-dependent defaults out."""
    module, _ = COMMANDS[name]
    command = importlib.import_module(f"qembed.cli.{module}").command
    settings = cli.context_settings | {"max_content_width": 96, "terminal_width": 96}
    with click.Context(cli, info_name="qembed", **settings) as parent:
        context = click.Context(command, info_name=name, parent=parent)
        return command.get_help(context) + "\n"


def with_help(page):
    """Return the page with the help of today."""
    return MARK.sub(lambda m: m[1] + help_of(m[2]) + m[3], page)


if __name__ == "__main__":
    PAGE.write_text(with_help(PAGE.read_text()))
