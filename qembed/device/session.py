"""A conversation with one board: shake hands, run samples, fetch tensors, survive a bad line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qembed.device.transport import Port
from qembed.errors import DeviceError, InputError
from qembed.protocol.client import (
    Answered,
    Client,
    Event,
    Fetched,
    Job,
    SessionLost,
    Statistics,
    hello,
)
from qembed.protocol.hashing import hash_bytes, input_hash
from qembed.protocol.messages import (
    VERSION,
    Answer,
    Code,
    Infer,
    Info,
    Model,
    Record,
    Refusal,
    TensorPiece,
    Type,
    explain,
)

FAST_BAUDS = (921_600, 1_000_000, 2_000_000, 460_800, 230_400)
USUAL_BAUDS = (115_200, *FAST_BAUDS, 57_600, 38_400, 19_200, 9_600)
"""What boards are set to, the likeliest first."""
PROBE_SECONDS = 0.7
"""How long a firmware is waited for at one of several rates."""
HELLO_TIMEOUT = 5.0
"""Seconds for a board to answer at all: an emulator looks for an opened terminal once a second."""
PATIENCE = 60.0
"""Seconds without any answer: longer than any one inference may take."""
STUCK_AFTER = 5
"""Times the patience for one request on a line that is alive but loses nearly everything."""
MAX_RESETS = 8
"""Resets of the board in a row without one result: then a sample, not the line, is the cause."""
MAX_AHEAD = 256
"""Results that wait for an earlier one; bounds the memory."""
INPUT_ATTEMPTS = 3
"""Runs of a sample whose input the board reports otherwise than it was sent."""
MAX_TENSOR_BYTES = 1 << 28
"""What a device that claims more holds is no tensor."""
FETCH_ATTEMPTS = 100
"""Runs until a tensor has arrived completely."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the board said about one sample; `input_hash` is of what was sent."""

    index: int
    input_hash: int
    record: Record

    @property
    def input_is_right(self) -> bool:
        """The board ran what was sent."""
        return self.record.input_hash == self.input_hash


class _Assembly:
    """The bytes of a tensor, as far as they have arrived."""

    def __init__(self) -> None:
        self.data = np.zeros(0, np.uint8)
        self.have = np.zeros(0, bool)

    def add(self, piece: TensorPiece) -> None:
        end = piece.offset + len(piece.data)
        if piece.total > MAX_TENSOR_BYTES or end > piece.total:
            return
        if piece.total != self.data.size:
            self.data = np.zeros(piece.total, np.uint8)
            self.have = np.zeros(piece.total, bool)
        self.data[piece.offset : end] = np.frombuffer(piece.data, np.uint8)
        self.have[piece.offset : end] = True


class _StateLost(Exception):
    """A sequence of steps must start again from its beginning."""


class Session:
    """A board that has answered. Use `connect`.

    Attributes
    ----------
    info : Info
    models : tuple of Model
    resets : int
        How often the board forgot the session.
    """

    def __init__(self, port: Port, *, patience: float = PATIENCE) -> None:
        self.port = port
        self.patience = patience
        self.resets = 0
        self._resets_in_a_row = 0
        self._silent = self._stuck = 0.0
        self._sample = 0
        self._setup: Job | None = None
        self._past = Statistics()
        self._client = Client(_draw_session(), time.monotonic())
        self.info, self.models = self._shake_hands(HELLO_TIMEOUT)

    # ---- public --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where the board is."""
        return self.port.url

    def infer_many(
        self, model: int, inputs: Sequence[bytes], *, ordered: bool = False, ticks: bool = False
    ) -> Iterator[Observation]:
        """Run samples and yield what the board saw, in order.

        Parameters
        ----------
        model : int
        inputs : sequence of bytes
            All inputs of a sample, one behind the other. Read again after a loss.
        ordered : bool
            The samples are successive steps of a model with state, from its reset.
        ticks : bool
            Ask for the ticks of each layer.

        Raises
        ------
        DeviceError
            If the board stops answering, keeps resetting, or refuses.
        """
        for index, data in enumerate(inputs):
            if len(data) != self.models[model].input_bytes:
                raise InputError(
                    f"sample {index} has {len(data)} bytes; the model on the board takes"
                    f" {self.models[model].input_bytes}"
                )
        flags = Infer.TICKS if ticks else Infer.NONE
        try:
            if ordered:
                yield from self._infer_steps(model, inputs, flags | Infer.ORDERED)
            else:
                yield from self._infer_samples(model, inputs, flags)
        finally:
            self._client.abandon()

    def fetch(
        self, model: int, history: Sequence[bytes], layer: int, *, ordered: bool = False
    ) -> tuple[bytes, Record]:
        """Run a sample again and return the bytes of one layer's output, and its record.

        Parameters
        ----------
        history : sequence of bytes
            The sample; with `ordered` all steps from the reset to the one that is wanted.

        Raises
        ------
        DeviceError
            As `infer_many`; or if the layer does not report, or its bytes differ in each run.
        """
        tensor = _Assembly()
        first, count = 0, 0xFFFFFFFF
        for _ in range(FETCH_ATTEMPTS):
            pieces: list[TensorPiece] = []
            record = self._fetch_range(model, history, (layer, first, count), ordered, pieces)
            for piece in pieces:
                tensor.add(piece)
            missing = np.flatnonzero(~tensor.have)
            if missing.size == 0 and tensor.data.size:
                if hash_bytes(tensor.data.tobytes()) == record.layer_hashes[layer]:
                    return tensor.data.tobytes(), record
                tensor = _Assembly()  # the runs differ: their pieces do not make one tensor
                first, count = 0, 0xFFFFFFFF
            elif missing.size:
                first, count = int(missing[0]), int(missing[-1] + 1 - missing[0])
        raise DeviceError(
            f"layer {layer} could not be fetched in {FETCH_ATTEMPTS} runs: the line is too bad, or"
            " the board computes something else each time"
        )

    def setup(self, model: int, *, stress: bool, fill: int = 0, shift: int = 0) -> None:
        """Choose how the arena is treated: docs/protocol.md, section 6.

        Raises
        ------
        DeviceError
            If the arena cannot be shifted so far.
        """
        self._setup = Job(Type.SETUP, model, bytes([stress, fill]) + shift.to_bytes(2, "little"))
        self._ask(self._setup)

    @property
    def statistics(self) -> Statistics:
        """How the line behaved, all handshakes together."""
        return self._past + self._client.statistics

    # ---- samples -------------------------------------------------------------------------------

    def _infer_samples(
        self, model: int, inputs: Sequence[bytes], flags: Infer
    ) -> Iterator[Observation]:
        open_jobs: dict[int, tuple[int, int]] = {}  # sample number -> index, attempts
        done: dict[int, Observation] = {}
        unsent = iter(range(len(inputs)))
        wanted = 0
        while wanted < len(inputs):
            while self._client.hungry and len(done) < MAX_AHEAD:
                index = next(unsent, None)
                if index is None:
                    break
                job = self._submit_sample(model, inputs[index], flags)
                open_jobs[job.sample] = index, 1
            for event in self._exchange():
                if isinstance(event, SessionLost):
                    self._resume()
                elif isinstance(event, Answered) and event.job.sample in open_jobs:
                    index, attempts = open_jobs.pop(event.job.sample)
                    seen = self._observe(index, event.job, event.answer)
                    if seen.input_is_right or attempts == INPUT_ATTEMPTS:
                        done[index] = seen
                    else:
                        job = self._submit_sample(model, event.job.data, flags)
                        open_jobs[job.sample] = index, attempts + 1
            while wanted in done:
                yield done.pop(wanted)
                wanted += 1

    def _submit_sample(
        self,
        model: int,
        data: bytes,
        flags: Infer,
        fetch: tuple[int, int, int] | None = None,
    ) -> Job:
        self._sample = (self._sample + 1) & 0xFFFFFFFF
        job = Job(Type.INFER, model, b"", self._sample, flags, data, fetch)
        self._client.submit(job)
        return job

    def _observe(self, index: int, job: Job, answer: Record | Answer) -> Observation:
        record = self._record(answer)
        return Observation(index, input_hash(self.models[job.model], job.data), record)

    def _record(self, answer: Record | Answer) -> Record:
        if isinstance(answer, Record):
            return answer
        assert isinstance(answer, Refusal)
        if answer.code == Code.ORDER:
            raise _StateLost
        raise DeviceError(f"the board on {self.port.url} refuses a sample: {explain(answer)}")

    # ---- steps of a model with state -----------------------------------------------------------

    def _infer_steps(
        self, model: int, inputs: Sequence[bytes], flags: Infer
    ) -> Iterator[Observation]:
        """One step at a time: the device keeps only its last record."""
        yielded = starts = 0
        while yielded < len(inputs):
            try:
                self._ask(self._reset(model))
                for index in range(len(inputs)):
                    job = Job(Type.INFER, model, b"", index, flags, inputs[index])
                    seen = self._observe(index, job, self._ask(job))
                    if index >= yielded:
                        yielded, starts = index + 1, 0
                        yield seen
            except _StateLost:
                starts += 1
                if starts > MAX_RESETS:
                    raise DeviceError(
                        f"the board lost its state {starts} times before step {yielded} was done"
                    ) from None

    def _reset(self, model: int) -> Job:
        self._sample = (self._sample + 1) & 0xFFFFFFFF
        return Job(Type.RESET, model, self._sample.to_bytes(4, "little"))

    def _fetch_range(
        self,
        model: int,
        history: Sequence[bytes],
        fetch: tuple[int, int, int],
        ordered: bool,
        pieces: list[TensorPiece],
    ) -> Record:
        """Run once; add the pieces that arrive."""
        if not ordered:
            job = self._submit_sample(model, history[-1], Infer.FETCH, fetch)
            return self._record(self._finish(job, pieces))
        flags = Infer.ORDERED | Infer.FETCH
        job = Job(Type.INFER, model, b"", len(history) - 1, flags, history[-1], fetch)
        for _ in range(MAX_RESETS):
            try:
                self._ask(self._reset(model))
                for index, data in enumerate(history[:-1]):
                    step = Job(Type.INFER, model, b"", index, Infer.ORDERED, data)
                    self._record(self._ask(step))
                self._client.submit(job)
                return self._record(self._finish(job, pieces))
            except _StateLost:
                continue
        raise DeviceError(f"the board lost its state {MAX_RESETS} times before step {job.sample}")

    # ---- the line ------------------------------------------------------------------------------

    def _exchange(self) -> list[Event]:
        """Send what is due, read what is there. Time that the caller takes in between is free."""
        client, started = self._client, time.monotonic()
        if client.lost:  # told before, beside an answer at which the caller stopped listening
            return [SessionLost()]
        data = client.poll(started)
        if data:
            self.port.write(data)
        received = self.port.read()
        now = time.monotonic()
        events = client.receive(received, now) if received else []
        spent = now - started
        self._silent = 0.0 if client.last_answer >= started else self._silent + spent
        if any(isinstance(event, Answered) for event in events):
            self._resets_in_a_row = 0
            self._stuck = 0.0
        else:
            self._stuck += spent
        self._give_up_in_time()
        return events

    def _give_up_in_time(self) -> None:
        if self._silent > self.patience:
            raise DeviceError(
                f"the board on {self.port.url} has been silent for {self.patience:g} s: it hangs,"
                " or one inference takes longer than that"
            )
        if self._stuck > STUCK_AFTER * self.patience:
            raise DeviceError(
                f"no request got through to the board on {self.port.url} and back in"
                f" {STUCK_AFTER * self.patience:g} s: the line is too bad; check the cable, the"
                " baud rate and flow control"
            )

    def _ask(self, job: Job) -> Record | Answer:
        """Do one job; any refusal of what is no inference is an error."""
        self._client.submit(job)
        answer = self._finish(job, [])
        if isinstance(answer, Refusal) and job.type != Type.INFER:
            raise DeviceError(f"the board on {self.port.url} refuses: {explain(answer)}")
        return answer

    def _finish(self, job: Job, pieces: list[TensorPiece]) -> Record | Answer:
        """Wait for the answer to a job that was submitted."""
        ordered = Infer.ORDERED in job.flags
        while True:
            for event in self._exchange():
                if isinstance(event, SessionLost):
                    self._resume(again=not ordered)
                    if ordered:
                        raise _StateLost
                elif isinstance(event, Fetched):
                    pieces.append(event.piece)
                elif isinstance(event, Answered) and event.job is job:
                    return event.answer

    def _resume(self, *, again: bool = True) -> None:
        """Shake hands with a board that was reset; submit what it had not answered."""
        unfinished = self._client.unfinished
        self._past = self.statistics
        self.resets += 1
        self._resets_in_a_row += 1
        if self._resets_in_a_row > MAX_RESETS:
            raise DeviceError(
                f"the board was reset {self._resets_in_a_row} times in a row without a result;"
                " look for a crash, a watchdog or a weak power supply"
            )
        resets = self._resets_in_a_row
        self._client = Client(_draw_session(), time.monotonic())
        _, models = self._shake_hands(self.patience)
        self._resets_in_a_row = resets
        if models != self.models:
            raise DeviceError(f"the board on {self.port.url} came back with another firmware")
        if self._setup is not None:
            self._client.submit(self._setup)
        for job in unfinished if again else []:
            self._client.submit(job)

    def _shake_hands(self, timeout: float) -> tuple[Info, tuple[Model, ...]]:
        self.port.write(b"\0")
        end = time.monotonic() + timeout
        info = self._handshake_step(hello(), end)
        assert isinstance(info, Info)
        if info.version != VERSION:
            raise DeviceError(
                f"the firmware speaks version {info.version} of the link, this qembed version"
                f" {VERSION}; build the firmware again with this qembed"
            )
        if not info.sound:
            raise DeviceError(f"the firmware on {self.url} states impossible sizes: {info}")
        models = []
        for index in range(info.models):
            model = self._handshake_step(Job(Type.DESCRIBE, index), end + self.patience)
            assert isinstance(model, Model)
            if not model.sound:
                raise DeviceError(f"the firmware on {self.url} states impossible sizes: {model}")
            models.append(model)
        self._client.models = tuple(models)
        return info, tuple(models)

    def _handshake_step(self, job: Job, end: float) -> Record | Answer:
        self._client.submit(job)
        while time.monotonic() < end:
            for event in self._exchange():
                if isinstance(event, SessionLost):  # reset again, or a frame from before
                    self._client = Client(_draw_session(), time.monotonic())
                    self._client.submit(hello())
                    self._client.submit(job)
                elif isinstance(event, Answered) and event.job is job:
                    if isinstance(event.answer, Refusal):
                        raise DeviceError(f"the board refuses: {explain(event.answer)}")
                    return event.answer
        raise DeviceError(self._nobody_there())

    def _nobody_there(self) -> str:
        heard = self.statistics.received_bytes
        if not heard:
            return (
                f"nothing answers on {self.port.url}{self.port.speed}; check that a verification"
                " firmware runs there and that RX and TX are not swapped; --baud auto tries other"
                " rates"
            )
        return (
            f"something talks on {self.port.url}{self.port.speed} ({heard} bytes) but it is no"
            " qembed firmware; try --baud auto, or flash a verification firmware"
        )


def find_baud(port: Port, bauds: Sequence[int]) -> int:
    """Set a port to the first rate at which a firmware answers.

    Parameters
    ----------
    port : Port
        Open, at any rate.
    bauds : sequence of int
        Tried in this order.

    Raises
    ------
    DeviceError
        If none answers, with all that were tried.
    """
    heard: list[str] = []
    for baud in bauds:
        port.set_baud(baud)
        answers, received = _answers(port, PROBE_SECONDS)
        if answers:
            return baud
        if received:
            heard.append(str(baud))
    noise = f", where something talked at {', '.join(heard)}" if heard else ""
    raise DeviceError(
        f"no qembed firmware answers on {port.url} at any of {', '.join(map(str, bauds))} baud"
        f"{noise}; check the wires, or flash a verification firmware"
    )


def _answers(port: Port, seconds: float) -> tuple[bool, int]:
    """Greet; tell whether a firmware answers, of whatever version, and how many bytes came."""
    client = Client(_draw_session(), time.monotonic())
    client.submit(hello())
    port.write(b"\0")
    end = time.monotonic() + seconds
    while client.info is None and (now := time.monotonic()) < end:
        port.write(client.poll(now))
        client.receive(port.read(), now)
    return client.info is not None, client.statistics.received_bytes


def _draw_session() -> int:
    return secrets.randbelow(0xFFFFFFFF) + 1
