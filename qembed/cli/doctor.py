"""qembed doctor."""

from __future__ import annotations

import click
from rich.console import RenderableType
from rich.text import Text

from qembed.cli._common import emit, json_option
from qembed.device.doctor import Check, examine
from qembed.report.terminal import safe, table


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Look at what this computer has for building, emulating and connecting.

    What is missing comes with the command that helps.
    """
    checks = examine()
    emit("doctor", {"checks": checks}, as_json, lambda: [_table(checks)])


def _table(checks: tuple[Check, ...]) -> RenderableType:
    made = table("", "what", "description", "remedy")
    for check in checks:
        mark = Text("ok", "green") if check.ok else Text("--", "yellow")
        made.add_row(mark, check.subject, safe(check.detail), check.remedy)
    return made
