"""qembed targets."""

from __future__ import annotations

import shutil

import click

from qembed.cli._common import emit, json_option, optimize_option
from qembed.report.terminal import table
from qembed.targets import list_targets, load_target


@click.command("targets")
@optimize_option
@json_option
def command(optimize: str | None, as_json: bool) -> None:
    """List the targets: what export can write for, with which kernels."""
    targets = [load_target(name, optimize) for name in list_targets()]
    made = table("target", "compiler", "installed", "optimize", "kernels", "description")
    for target in targets:
        installed = "yes" if shutil.which(target.cc) else "no"
        kernels = ", ".join(target.variants)
        made.add_row(
            target.name, target.cc, installed, target.optimize, kernels, target.description
        )
    emit("targets", {"targets": targets}, as_json, lambda: [made])
