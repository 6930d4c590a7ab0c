"""All samples over and over, for hours: what happens once in a million inferences shows here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qembed.errors import DeviceError
from qembed.verify.check import Judge
from qembed.verify.report import Report
from qembed.verify.witness import Witness

RECONNECT_SECONDS = 60.0
"""How long a board that went away is waited for."""
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a long run has come; `seconds` since its start."""

    seconds: float
    passes: int
    samples: int
    differing: int
    resets: int
    reconnects: int


def soak(
    judge: Judge,
    seconds: float,
    reopen: Callable[[], Witness] | None = None,
    tell: Callable[[Standing], None] = lambda standing: None,
) -> Report:
    """Verify all samples again and again; the pass that runs when the time is over is the last.

    Parameters
    ----------
    judge : Judge
        Keeps the counts; its memory does not grow with the time.
    seconds : float
    reopen : callable, optional
        Opens the board's port once more, `DeviceError` if it is not there. A board that goes away
        is then waited for, and the pass begun again.
    tell : callable
        Told the standing after every sample.

    Raises
    ------
    DeviceError
        If the board stops answering and does not come back, or fails again before any sample is
        done.
    """
    started = time.monotonic()
    samples_before = -1

    def tell_standing(*_: int) -> None:
        tell(
            Standing(
                time.monotonic() - started,
                judge.passes,
                judge.samples,
                judge.differing,
                judge.resets,
                judge.reconnects,
            )
        )

    while judge.passes == 0 or time.monotonic() - started < seconds:
        try:
            judge.run(tell_standing)
        except DeviceError as error:
            if reopen is None or judge.samples == samples_before:
                raise
            samples_before = judge.samples
            judge.go_on_with(_come_back(reopen, error))
        tell_standing()
    return judge.report()


def _come_back(reopen: Callable[[], Witness], reason: DeviceError) -> Witness:
    end = time.monotonic() + RECONNECT_SECONDS
    while True:
        try:
            return reopen()
        except DeviceError:
            if time.monotonic() > end:
                raise reason from None
            time.sleep(RETRY_SECONDS)
