"""The host's state machine: jobs in, bytes out; bytes in, events out. It owns no port and no clock.

Every frame that is sent has a number of its own. The device answers in order, so an answer proves
that every earlier frame without one is lost, together with what it carried: that is sent again at
once. Only when the line is silent does time matter: then PING asks how far the device has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from qembed.protocol import framing
from qembed.protocol.messages import (
    HEADER,
    VERSION,
    Answer,
    Code,
    Done,
    Header,
    Infer,
    Info,
    Model,
    Record,
    Refusal,
    ResultPiece,
    TensorPiece,
    Type,
    infer_fields,
    parse,
    parse_record,
    record_bytes,
)

ASK_AFTER = 0.25
"""Seconds of silence after which we ask, until the line is known to be faster."""
ASK_AFTER_ROUND_TRIPS, ASK_SOONEST = 4, 0.03
"""Then: this many round trips, but not sooner. A question costs 15 bytes, silence the line."""
MAX_QUESTIONS, QUESTIONS_BYTES = 3, 60
"""Unanswered ones that are remembered, and the part of the window that is kept free for them."""
ASK_LATEST = 2.0
"""Seconds between questions at last: they must not fill the buffer during a long inference."""
SHRINK, GROW = 3 / 4, 17 / 16
"""What a lost and an answered piece do to the size of the next: in balance at one loss in six."""
MAX_GIVEN_UP = 256
"""Transmissions that are remembered after they were given up; a later answer is stale."""
SMALLEST_PIECE = 48
"""Bytes of data; below, headers are most of a frame."""
MOST_PIECES_IF_BAD = 4
"""Pieces in flight on a bad line: what follows a lost piece is lost as well."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request that the client sees through. INFER has `sample`, `data` and perhaps `fetch`.

    Attributes
    ----------
    type : Type
    model : int
    fields : bytes
        What follows the header, for any other type than INFER.
    sample : int
        Used once in a session, unless flags have ORDERED.
    flags : Infer
    data : bytes
        All inputs, one behind the other.
    fetch : (int, int, int), optional
        Layer, first byte, number of bytes; with flag FETCH.
    """

    type: Type
    model: int = 0
    fields: bytes = b""
    sample: int = 0
    flags: Infer = Infer.NONE
    data: bytes = b""
    fetch: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A job is done; the answer is a `Record` for INFER."""

    job: Job
    answer: Record | Answer


@dataclass(frozen=True, slots=True)
class Fetched:
    """A piece of a tensor; its job is not done yet."""

    job: Job
    piece: TensorPiece


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The device does not know our session: it was reset. Nothing more will come of this client."""


Event = Answered | Fetched | SessionLost


@dataclass(slots=True)
class Statistics:
    """How the line behaved; counts, and bytes as they stood on the line."""

    sent_frames: int = 0
    lost_frames: int = 0
    stale_frames: int = 0
    damaged_frames: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            *(getattr(self, name) + getattr(other, name) for name in Statistics.__slots__)
        )


class _Assembly:
    """The record of one run, as far as it has arrived."""

    def __init__(self, run: int, total: int) -> None:
        self.run = run
        self.data = bytearray(total)
        self._missing = bytearray(b"\1" * total)

    @property
    def complete(self) -> bool:
        return not any(self._missing)

    def add(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        if end <= len(self.data):
            self.data[offset:end] = data
            self._missing[offset:end] = bytes(len(data))


@dataclass(slots=True, eq=False)
class _Progress:
    """A job under way. `position`: next byte of data to send; `confirmed`: bytes the device has.

    `last_piece` is where the piece began that was sent last. `epoch` counts rewinds: an answer to a
    frame of an earlier one must not rewind again.
    """

    job: Job
    position: int = 0
    last_piece: int = 0
    confirmed: int = 0
    epoch: int = 0
    sent: bool = False
    record: _Assembly | None = None

    @property
    def waiting(self) -> bool:
        """Nothing is left to send."""
        return self.sent and self.position == len(self.job.data)

    @property
    def in_pieces(self) -> bool:
        """The device may have a part of the input, and loses it when another sample begins."""
        return self.last_piece > 0


@dataclass(slots=True, eq=False)
class _Transmission:
    """A frame that was sent and has no answer. `progress` is None for PING."""

    progress: _Progress | None
    offset: int
    wire_bytes: int
    epoch: int
    sent_at: float


class Client:
    """One session with one device.

    Parameters
    ----------
    session : int
        Random, in [1, 2**32).
    now : float
        Seconds, of any clock that does not go back; the same clock in every call.

    Attributes
    ----------
    info : Info, optional
        From the answer to HELLO; until then nothing but HELLO may be submitted.
    models : tuple of Model
        From the answers to DESCRIBE, in order; needed before an INFER is submitted.
    last_answer : float
        When the device last proved that it lives.
    lost : bool
        The device does not know the session: nothing more will come of this client.
    """

    def __init__(self, session: int, now: float) -> None:
        self.session = session
        self.info: Info | None = None
        self.models: tuple[Model, ...] = ()
        self.statistics = Statistics()
        self.last_answer = now
        self._decoder = framing.Decoder()
        self._sequence = session & 0xFFFF
        self._jobs: deque[_Progress] = deque()
        self._in_flight: dict[int, _Transmission] = {}
        self._given_up: dict[int, _Transmission] = {}
        self.lost = False
        self._quiet_since = now
        self._now = now
        self._round_trip = ASK_AFTER / ASK_AFTER_ROUND_TRIPS
        self._ask_after = ASK_AFTER
        self._piece_bytes = float(framing.MAX_BODY)

    @property
    def unfinished(self) -> list[Job]:
        """Jobs without an answer, in the order they were submitted."""
        return [progress.job for progress in self._jobs]

    @property
    def hungry(self) -> bool:
        """Everything submitted is on its way: one job more would keep the line busy."""
        return all(progress.waiting for progress in self._jobs)

    def submit(self, job: Job) -> None:
        """Queue a job; jobs are sent in this order."""
        self._jobs.append(_Progress(job))

    def abandon(self) -> None:
        """Forget every job; answers still on their way will be ignored."""
        self._jobs.clear()

    # ---- sending -------------------------------------------------------------------------------

    def poll(self, now: float) -> bytes:
        """Return what is to be sent now. Call it after every event and at `deadline`."""
        frames = []
        self._now = now
        while (frame := self._next_frame()) is not None:
            frames.append(frame)
        if frames:
            self._quiet_since = now
        elif self._in_flight and now - self._quiet_since >= self._ask_after:
            frames.extend(self._break_silence())
            self._quiet_since = now
            self._ask_after = min(2 * self._ask_after, ASK_LATEST)
        return b"".join(frames)

    def deadline(self) -> float | None:
        """When to `poll` next if nothing arrives before; None: nothing is awaited."""
        return self._quiet_since + self._ask_after if self._in_flight else None

    def _break_silence(self) -> Iterator[bytes]:
        if self.info is not None:
            questions = [n for n, t in self._in_flight.items() if t.progress is None]
            if len(questions) == MAX_QUESTIONS:  # not lost: the device is busy
                self._remember(questions[0])
            # The delimiter in front saves it if that of the frame before was lost.
            yield framing.DELIMITER + self._transmit(Type.PING, 0, b"", None)
            return
        for sequence in list(self._in_flight):  # no session yet, nobody would answer PING
            self._give_up(sequence)
        while (frame := self._next_frame()) is not None:
            yield frame

    def _room(self, wire_bytes: int) -> bool:
        used = sum(t.wire_bytes for t in self._in_flight.values())
        window = self.info.window - QUESTIONS_BYTES if self.info else 0
        return not self._in_flight or used + wire_bytes <= window

    def _next_frame(self) -> bytes | None:
        progress = self._next_job()
        if progress is None:
            return None
        job, offset = progress.job, progress.position
        crowded = len(self._in_flight) >= MOST_PIECES_IF_BAD
        if offset > 0 and crowded and not self._line_is_good(job):
            return None
        piece = job.data[offset : offset + min(self._room_for_data(job), int(self._piece_bytes))]
        fields = job.fields
        if job.type == Type.INFER:
            fields = infer_fields(job.flags, job.sample, offset, self._longest(), job.fetch) + piece
        if not self._room(framing.longest_frame(HEADER.size + len(fields))):
            return None
        progress.sent = True
        progress.last_piece = offset
        progress.position += len(piece)
        return self._transmit(job.type, job.model, fields, progress, offset)

    def _longest(self) -> int:
        """Largest answer we wish for: as long as the pieces we dare to send."""
        return min(int(self._piece_bytes) + HEADER.size, 0xFFFF)

    def _room_for_data(self, job: Job) -> int:
        """How much of a job's data a frame takes beside the fields of INFER."""
        frame_bytes = self.info.frame_bytes if self.info else 0
        return frame_bytes - HEADER.size - len(infer_fields(job.flags, 0, 0, 0, job.fetch))

    def _line_is_good(self, job: Job) -> bool:
        """Pieces are as long as the device takes them: nothing was lost of late."""
        return self._piece_bytes >= self._room_for_data(job)

    def _next_job(self) -> _Progress | None:
        """Return the first job with something to send, unless an input in pieces is in the way.

        The next sample may follow on the heels of the last piece, if the line is good.
        """
        for progress in self._jobs:
            if not progress.waiting:
                return progress
            if progress.in_pieces and not (
                progress.confirmed >= progress.last_piece and self._line_is_good(progress.job)
            ):
                return None
        return None

    def _transmit(
        self, kind: Type, model: int, fields: bytes, progress: _Progress | None, offset: int = 0
    ) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = Header(kind, model, self._sequence, self.session)
        frame = framing.encode(header.pack() + fields)
        epoch = progress.epoch if progress else 0
        self._in_flight[self._sequence] = _Transmission(
            progress, offset, len(frame), epoch, self._now
        )
        self.statistics.sent_frames += 1
        self.statistics.sent_bytes += len(frame)
        return frame

    # ---- receiving -----------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the line, return what they tell."""
        events: list[Event] = []
        for body in self._decoder.feed(data):
            answer = parse(body)
            if answer is None:
                self.statistics.stale_frames += 1
            elif not self.lost:
                events.extend(self._on_answer(*answer, now))
        self.statistics.damaged_frames = self._decoder.damaged
        self.statistics.received_bytes = self._decoder.received
        return events

    def _on_answer(self, header: Header, answer: Answer, now: float) -> Iterator[Event]:
        sequence = header.sequence
        transmission = self._in_flight.get(sequence) or self._given_up.get(sequence)
        lost = isinstance(answer, Refusal) and answer.code == Code.SESSION
        if transmission is None or (header.session != self.session and not lost):
            self.statistics.stale_frames += 1
            return
        if lost:
            self.lost = True
            yield SessionLost()
            return
        self.last_answer = self._quiet_since = now
        self._ask_after = min(max(ASK_AFTER_ROUND_TRIPS * self._round_trip, ASK_SOONEST), ASK_AFTER)
        if sequence in self._in_flight:
            self._round_trip += (now - transmission.sent_at - self._round_trip) / 8
            self._give_up_before(sequence)
        progress = transmission.progress
        if progress is None or progress not in self._jobs:
            self._close(sequence)  # PING, or a job that is already finished
        elif isinstance(answer, TensorPiece):
            if answer.sample == progress.job.sample:
                yield Fetched(progress.job, answer)
        elif isinstance(answer, ResultPiece):
            yield from self._on_result(sequence, progress, answer)
        else:
            self._close(sequence)
            yield from self._on_simple(transmission, progress, answer)

    def _give_up_before(self, sequence: int) -> None:
        """Send again what every earlier transmission carried."""
        for earlier in list(self._in_flight):
            if earlier == sequence:
                return
            self._give_up(earlier)

    def _close(self, sequence: int) -> None:
        self._in_flight.pop(sequence, None)
        self._given_up.pop(sequence, None)

    def _grow(self) -> None:
        self._piece_bytes = min(self._piece_bytes * GROW, framing.MAX_BODY)

    def _give_up(self, sequence: int) -> None:
        """Send again what it carried; should its answer come after all, it still counts."""
        transmission = self._remember(sequence)
        self.statistics.lost_frames += 1
        progress = transmission.progress
        if progress is not None:
            if progress.job.data:
                longest = min(self._piece_bytes, self._room_for_data(progress.job))
                self._piece_bytes = max(longest * SHRINK, SMALLEST_PIECE)
            self._rewind(progress, transmission, transmission.offset)

    def _remember(self, sequence: int) -> _Transmission:
        transmission = self._in_flight.pop(sequence)
        self._given_up[sequence] = transmission
        if len(self._given_up) > MAX_GIVEN_UP:
            del self._given_up[next(iter(self._given_up))]
        return transmission

    def _rewind(self, progress: _Progress, transmission: _Transmission, offset: int) -> None:
        if transmission.epoch != progress.epoch:
            return
        progress.epoch += 1
        progress.sent = False
        progress.position = offset
        progress.confirmed = min(progress.confirmed, offset)

    def _on_result(
        self,
        sequence: int,
        progress: _Progress,
        piece: ResultPiece,
    ) -> Iterator[Event]:
        job = progress.job
        model = self.models[job.model]
        ticks = Infer.TICKS in job.flags
        if piece.sample != job.sample:
            return
        if progress.record is None or progress.record.run != piece.run:
            progress.record = _Assembly(piece.run, record_bytes(model, ticks))
        record = progress.record
        record.add(piece.offset, piece.data)
        if record.complete:
            self._close(sequence)
            self._grow()
            self._jobs.remove(progress)
            yield Answered(job, parse_record(bytes(record.data), model.layers, ticks))
        elif piece.offset + len(piece.data) >= len(record.data) and sequence in self._in_flight:
            self._give_up(sequence)  # the last piece, but an earlier one is missing

    def _on_simple(
        self, transmission: _Transmission, progress: _Progress, answer: Answer
    ) -> Iterator[Event]:
        job = progress.job
        if job.type == Type.INFER and isinstance(answer, Done):
            self._grow()
            if transmission.epoch == progress.epoch:
                progress.confirmed = max(progress.confirmed, answer.value)
                progress.position = max(progress.position, answer.value)
        elif isinstance(answer, Refusal) and answer.code == Code.GAP:
            self._rewind(progress, transmission, min(answer.detail, transmission.offset))
        elif isinstance(answer, Refusal) or _fits(job, answer):
            self._jobs.remove(progress)
            if isinstance(answer, Info):
                self.info = answer
            yield Answered(job, answer)
        else:
            self._rewind(progress, transmission, 0)


_ANSWERS = {Type.HELLO: Info, Type.DESCRIBE: Model, Type.RESET: Done, Type.SETUP: Done}


def _fits(job: Job, answer: Answer) -> bool:
    return isinstance(answer, _ANSWERS.get(job.type, ()))


def hello() -> Job:
    """Open a session."""
    return Job(Type.HELLO, fields=VERSION.to_bytes(2, "little"))
