"""MLPerf Tiny's runner: its commands, its two modes, and the checks that it leaves out.

The text protocol has no checksums and no session: a board that resets between loading and running
gives results of nothing, and the official runner counts them. Here every answer is read to its end,
a greeting in the middle or a clock that goes back is an error, and results are held against the
desk's where those are known.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qembed.device.transport import Port
from qembed.errors import DeviceError

DATA_BYTES = 31
"""Bytes in one `db` command: with its eighty characters no more fit."""
READY = "m-ready"
GREETING = "m-init-done"
ANSWER_TIMEOUT = 5.0
"""Seconds for a line of an answer, as the official runner has it."""
INFER_TIMEOUT = 30.0
"""Seconds for a line of the answer to `infer`; it has none while all inferences run."""
WINDOW_SECONDS = 10.0
"""What a performance measurement must last at least."""
LOOPS = 5
"""How many such measurements there are; the median counts."""
CONNECT_ATTEMPTS = 3
"""`name` is asked again: what a board said before it was opened may stand in the way."""

_RESULTS = re.compile(r"^m-results-\[(-?\d+\.\d{3}(?:,-?\d+\.\d{3})*),?\]$")
_LAP = re.compile(r"^m-lap-us-(\d+)$")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a device says of itself."""

    name: str
    profile: str
    model: str


@dataclass(frozen=True, slots=True)
class Inference:
    """The answer to `infer`.

    Attributes
    ----------
    microseconds : int
        Of all inferences after the warm-ups.
    results : tuple of float
        Three decimals each.
    """

    microseconds: int
    results: tuple[float, ...]


class Runner:
    """A conversation in the runner's protocol; it starts by asking for name and profile.

    Raises
    ------
    DeviceError
        If no such device answers.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._buffer = b""
        self._clock = 0
        self.profile = self._connect()

    def load(self, data: bytes) -> None:
        """Send the data of one input.

        Raises
        ------
        DeviceError
            If the device does not take it.
        """
        (line,) = self._ask(f"db load {len(data)}")
        if line != f"m-[Expecting {len(data)} bytes]":
            raise DeviceError(f"the device refuses {len(data)} bytes of data: {line}")
        for start in range(0, len(data), DATA_BYTES):
            piece = data[start : start + DATA_BYTES]
            lines = self._ask(f"db {piece.hex()}")
            done = ["m-load-done"] if start + DATA_BYTES >= len(data) else []
            if lines != done:
                raise DeviceError(f"the device lost count of its data at byte {start}: {lines}")

    def infer(self, count: int = 1, warmups: int = 0) -> Inference:
        """Run the loaded input.

        Raises
        ------
        DeviceError
            If the answer is not complete, or the device was reset.
        """
        lines = self._ask(f"infer {count} {warmups}", INFER_TIMEOUT)
        laps = [int(found[1]) for line in lines if (found := _LAP.match(line))]
        results = [found[1] for line in lines if (found := _RESULTS.match(line))]
        frame = [line for line in lines if not _LAP.match(line) and not _RESULTS.match(line)]
        if (
            len(laps) != 2
            or len(results) != 1
            or frame
            != [
                f"m-warmup-start-{warmups}",
                "m-warmup-done",
                f"m-infer-start-{count}",
                "m-infer-done",
            ]
        ):
            raise DeviceError(f"the device's answer to infer is not what it should be: {lines}")
        if not self._clock <= laps[0] <= laps[1]:
            raise DeviceError("the device's clock went back: it was reset in between")
        self._clock = laps[1]
        return Inference(laps[1] - laps[0], tuple(map(float, results[0].split(","))))

    # ---- lines ---------------------------------------------------------------------------------

    def _connect(self) -> Profile:
        for attempt in range(CONNECT_ATTEMPTS):
            self._drain()
            try:
                lines = self._ask("name", 1.0)
                names = [line for line in lines if line.startswith("m-name-dut-[")]
                if names:
                    return self._profile(names[0])
            except DeviceError:
                if attempt == CONNECT_ATTEMPTS - 1:
                    raise
        raise DeviceError(f"the device on {self._port.url} does not tell its name: {lines}")

    def _profile(self, name: str) -> Profile:
        lines = self._ask("profile")
        found = {line.split("-[")[0]: line for line in lines}
        if set(found) != {"m-profile", "m-model"}:
            raise DeviceError(f"the device does not tell its profile: {lines}")
        inner = [line[line.index("[") + 1 : -1] for line in (name, *found.values())]
        return Profile(inner[0], inner[1], inner[2])

    def _drain(self) -> None:
        """Forget what was said before anybody listened."""
        while self._port.read():
            pass
        self._buffer = b""

    def _ask(self, command: str, timeout: float = ANSWER_TIMEOUT) -> list[str]:
        """Send a command; return the lines of its answer, without the last."""
        self._port.write(f"{command}%".encode())
        lines: list[str] = []
        while not (line := self._line(timeout)).startswith(READY):
            if line == GREETING:
                raise DeviceError("the device was reset in the middle: its results mean nothing")
            if line.startswith("e-["):
                raise DeviceError(f"the device refuses '{command[:20]}': {line[3:-1]}")
            lines.append(line)
        return lines

    def _line(self, timeout: float) -> str:
        end = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            if time.monotonic() > end:
                raise DeviceError(
                    f"the device on {self._port.url} did not answer within {timeout:g} s: is it a"
                    " firmware with the MLPerf Tiny protocol (qembed export --mlperf)?"
                )
            self._buffer += self._port.read()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode("ascii", "replace").replace("\r", "").replace("\0", "")


# ---- the two modes -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy mode.

    Attributes
    ----------
    samples : int
    correct : int, optional
        Samples whose largest result is the label's; None without labels.
    as_on_desk : int, optional
        Samples whose results are the desk's in every printed digit; None where those are not known.
    """

    samples: int
    correct: int | None
    as_on_desk: int | None


@dataclass(frozen=True, slots=True)
class Performance:
    """Performance mode: inferences a second, of each measurement and their median."""

    inferences: int
    throughputs: tuple[float, ...]
    median: float


def accuracy(
    runner: Runner,
    samples: Sequence[bytes],
    labels: Sequence[int] | None = None,
    expected: Sequence[Sequence[float]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Accuracy:
    """Run every sample once.

    Parameters
    ----------
    samples : sequence of bytes
        As the runner sends them: int8, uint8 or float32, by benchmark.
    labels : sequence of int, optional
    expected : sequence of sequence of float, optional
        The desk's outputs, rounded to three decimals.
    progress : callable, optional
        Told the number of samples just done.
    """
    correct = equal = 0
    for index, data in enumerate(samples):
        runner.load(data)
        results = runner.infer().results
        if labels is not None:
            correct += results.index(max(results)) == labels[index]
        if expected is not None:
            equal += list(results) == list(expected[index])
        if progress is not None:
            progress(1)
    return Accuracy(
        len(samples),
        None if labels is None else correct,
        None if expected is None else equal,
    )


def performance(runner: Runner, data: bytes, window: float = WINDOW_SECONDS) -> Performance:
    """Measure as the benchmark's rules say: five times, each for `window` seconds or more."""
    runner.load(data)
    count, spent = 1, 0
    while spent < 20_000:  # microseconds: enough to foretell how many fill the window
        spent = runner.infer(count).microseconds
        count *= 2
    count = max(1, int(window * 1.05e6 / (spent / (count // 2))))
    rates = []
    for _ in range(LOOPS):
        runner.load(data)
        rates.append(count * 1e6 / max(runner.infer(count, 10).microseconds, 1))
    return Performance(count, tuple(rates), sorted(rates)[LOOPS // 2])
