"""The same samples with the arena elsewhere and full of rubbish: what must not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from qembed.container import graph_hash
from qembed.device.session import Session
from qembed.verify.check import Progress, verify
from qembed.verify.report import Report
from qembed.verify.subject import Subject
from qembed.verify.trial import Trial
from qembed.verify.witness import model_index

LAYOUTS = ((0x00, 16), (0xFF, 0), (0x55, 16), (0x80, 0))
"""(what the arena is filled with before each run, bytes by which it is moved): every bit both
ways, and every alignment that a plan may ask for."""


def stress(
    subject: Subject, session: Session, trial: Trial, progress: Callable[[], Progress]
) -> Iterator[Report]:
    """Verify once in each of `LAYOUTS`; bytes outside the arena are watched.

    Parameters
    ----------
    subject : Subject
    session : Session
        That of `subject`: a recording cannot be stressed.
    trial : Trial
    progress : callable
        Makes the `Progress` of one verification.

    Raises
    ------
    DeviceError
        If the board stops answering.
    """
    model = model_index(session, graph_hash(subject.graph))
    for fill, shift in LAYOUTS:
        session.setup(model, stress=True, fill=fill, shift=shift)
        report = verify(
            subject.graph, session, subject.layers, trial.inputs, progress(), subject.build
        )
        moved = f", arena moved by {shift}" if shift else ""
        yield replace(report, firmware=f"{report.firmware}{moved}, full of 0x{fill:02x}")
    session.setup(model, stress=False)
