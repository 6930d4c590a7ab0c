"""qembed replay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from qembed.cli._common import FILE, load_model
from qembed.cli._verification import Reporting, conclude, judge_all, reporting_options
from qembed.verify import journal
from qembed.verify.subject import subject_of
from qembed.verify.trial import Trial


@click.command("replay")
@click.argument("recording", type=FILE)
@click.argument("model", type=FILE, required=False)
@click.option("--export", "manifest", type=FILE, help="The .json of the export on the board.")
@click.option("--elf", type=FILE, help="The board's linked firmware: gives flash addresses.")
@reporting_options
def command(
    recording: Path,
    model: Path | None,
    manifest: Path | None,
    elf: Path | None,
    reporting: Reporting,
) -> int:
    """Judge what a board said once more, without the board.

    RECORDING is a file of verify --record. MODEL may be left out if it was exported on this
    computer. Exit status 0: equal, 1: different.
    """
    said = journal.load(recording)
    graph = load_model(model) if model else None
    subject = subject_of(journal.Replay(said), graph, manifest, elf)
    trial = Trial(journal.samples_of(said, subject.graph), f"recorded in {recording.name}")
    with ThreadPoolExecutor(1) as pool:
        results = judge_all([subject], [trial], pool)
    return conclude("replay", results, reporting)
