"""The state machine against a device written here from docs/protocol.md, on lines that lose."""

import random
import struct
from dataclasses import replace

import pytest

from qembed.protocol.client import Answered, Client, Fetched, Job, SessionLost, hello
from qembed.protocol.framing import Decoder, encode
from qembed.protocol.hashing import hash_bytes
from qembed.protocol.messages import (
    VERSION,
    Code,
    Done,
    Infer,
    Info,
    Model,
    Record,
    Refusal,
    Type,
    infer_fields,
    parse,
)

HASH = bytes(range(32))
INPUT, FRAME, WINDOW = 700, 200, 450


class Device:
    """One model: the output is the input's sum; one layer, the input reversed."""

    def __init__(self, input_bytes=INPUT):
        self.input_bytes = input_bytes
        self.decoder = Decoder()
        self.session = 0
        self.runs = []
        self.input = b""
        self.sample = None
        self.run = 0
        self.record = None

    def feed(self, data):
        return [out for body in self.decoder.feed(data) for out in self.answers(body)]

    def answers(self, body):
        kind, _, sequence, session = struct.unpack_from("<BBHI", body)

        def frame(answer, fields):
            return encode(struct.pack("<BBHI", answer, 0, sequence, self.session) + fields)

        if kind == Type.HELLO:
            if session != self.session:
                self.__init__(self.input_bytes)
                self.session = session
            info = struct.pack("<HHIIIIB", VERSION, FRAME, WINDOW, 3, 1, 1, 1)
            return [frame(Type.INFO, info + b"\2ns\4fake")]
        if session != self.session:
            return [frame(Type.ERROR, struct.pack("<BI", Code.SESSION, 1))]
        if kind == Type.DESCRIBE:
            sizes = struct.pack("<IHHHII", 10, 1, 1, 1, self.input_bytes, 4)
            return [frame(Type.MODEL, HASH + sizes + b"\1m\3x-1")]
        if kind == Type.PING:
            return [frame(Type.PONG, struct.pack("<I", self.decoder.damaged))]
        assert kind == Type.INFER
        flags, sample, offset, longest = struct.unpack_from("<BIIH", body, 8)
        data = body[19:]
        assert flags == 0
        assert len(body) <= FRAME
        if sample == self.sample and self.record is not None:
            if offset + len(data) < self.input_bytes:
                return [frame(Type.DONE, struct.pack("<I", offset + len(data)))]
        elif offset == 0 and (sample != self.sample or not self.input):
            self.sample, self.input, self.record = sample, data, None
        elif sample != self.sample or offset > len(self.input):
            expected = len(self.input) if sample == self.sample else 0
            return [frame(Type.ERROR, struct.pack("<BI", Code.GAP, expected))]
        else:
            self.input = self.input[:offset] + data + self.input[offset + len(data) :]
        if self.record is None:
            if len(self.input) < self.input_bytes:
                return [frame(Type.DONE, struct.pack("<I", len(self.input)))]
            self.runs.append(sample)
            self.run += 1
            self.record = record_of(self.input)
            self.input = b""
        step = max(min(longest, FRAME), 64) - 18
        return [
            frame(
                Type.RESULT,
                struct.pack("<IHI", sample, self.run, at) + self.record[at : at + step],
            )
            for at in range(0, len(self.record), step)
        ]


def record_of(data):
    head = struct.pack("<IQIII", hash_bytes(data), 5, 96, 0xFFFFFFFF, 0)
    return head + struct.pack("<II", hash_bytes(data[::-1]), sum(data))


class World:
    """Client, device and a line between them, in simulated time."""

    def __init__(self, device, spoil=lambda direction, frames: frames, session=77):
        self.device, self.spoil, self.now = device, spoil, 0.0
        self.client = Client(session, self.now)
        self.events = []

    def run(self, until, limit=5000.0):
        while not until():
            data = self.client.poll(self.now)
            frames = [part + b"\0" for part in data.split(b"\0")[:-1]]
            used = sum(t.wire_bytes for t in self.client._in_flight.values())
            assert used <= WINDOW
            answers = self.device.feed(b"".join(self.spoil("up", frames)))
            self.now += 0.01
            received = b"".join(self.spoil("down", answers))
            self.events += self.client.receive(received, self.now)
            if not received and (deadline := self.client.deadline()) is not None:
                self.now = max(self.now, deadline)
            assert self.now < limit, "the client makes no progress"
        return self.events

    def ask(self, job):
        self.client.submit(job)
        self.run(lambda: job not in self.client.unfinished)
        return next(e.answer for e in self.events if isinstance(e, Answered) and e.job is job)

    def connect(self):
        info = self.ask(hello())
        assert isinstance(info, Info)
        assert (info.frame_bytes, info.window, info.firmware) == (FRAME, WINDOW, "fake")
        self.client.models = (self.ask(Job(Type.DESCRIBE)),)
        assert self.client.models[0] == Model(
            HASH, 10, 1, (self.device.input_bytes,), (4,), "m", "x-1"
        )
        return self


def samples(count, size, seed=1):
    rng = random.Random(seed)
    return [Job(Type.INFER, sample=n + 1, data=rng.randbytes(size)) for n in range(count)]


def check(events, jobs):
    records = {e.job.sample: e.answer for e in events if isinstance(e, Answered)}
    for job in jobs:
        record = records[job.sample]
        assert isinstance(record, Record)
        assert record.input_hash == hash_bytes(job.data)
        assert record.layer_hashes == (hash_bytes(job.data[::-1]),)
        assert record.outputs == struct.pack("<I", sum(job.data))
        assert record.ticks == 5


@pytest.mark.parametrize("size", [1, 100, 181, 182, 700])
def test_a_good_line_carries_each_sample_once(size):
    world = World(Device(size)).connect()
    jobs = samples(30, size)
    for job in jobs:
        world.client.submit(job)
    check(world.run(lambda: not world.client.unfinished), jobs)
    assert world.device.runs == [job.sample for job in jobs]
    assert world.client.statistics.lost_frames == 0
    assert world.now < 3.0


def test_the_line_is_kept_busy():
    """While an answer is under way the next samples are, up to the window."""
    world = World(Device(100)).connect()
    for job in samples(9, 100):
        world.client.submit(job)
    assert world.client.poll(0.0).count(b"\0") == 3  # of 129 bytes each, in a window of 450


def test_a_lost_frame_is_sent_again_at_once():
    dropped = []

    def spoil(direction, frames):
        if direction == "up" and not dropped and len(frames) == 3:
            dropped.append(frames.pop(0))
        return frames

    world = World(Device(100), spoil).connect()
    jobs = samples(9, 100)
    for job in jobs:
        world.client.submit(job)
    start = world.now
    check(world.run(lambda: not world.client.unfinished), jobs)
    assert dropped
    assert world.now - start < 0.1  # no time-out was waited for


def test_a_lost_answer_to_the_last_frame_is_asked_for():
    lost, device = [], Device(100)

    def spoil(direction, frames):
        if direction == "down" and frames and device.run == 1 and len(lost) < 2:
            lost.append(frames)
            return []
        return frames

    world = World(device, spoil).connect()
    (job,) = jobs = samples(1, 100)
    world.client.submit(job)
    check(world.run(lambda: not world.client.unfinished), jobs)
    assert device.runs == [1]  # the record was sent twice, the model ran once


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("size", [100, 700])
def test_any_loss_order_and_repetition_gives_the_same_records(size, seed):
    rng = random.Random(seed)
    loss, swap, again = rng.choice([0.02, 0.2, 0.5]), rng.random() / 3, rng.random() / 3
    waiting = {"up": [], "down": []}

    def spoil(direction, frames):
        out = []
        for frame in waiting[direction] + frames:
            waiting[direction] = []
            if rng.random() < loss:
                continue
            out += [frame] * (2 if rng.random() < again else 1)
        if out and rng.random() < swap:
            waiting[direction] = [out.pop(rng.randrange(len(out)))]
        return out

    world = World(Device(size), spoil).connect()
    jobs = samples(12, size, seed)
    for job in jobs:
        world.client.submit(job)
    check(world.run(lambda: not world.client.unfinished), jobs)


def test_a_device_that_was_reset_is_noticed():
    world = World(Device(100)).connect()
    for job in samples(4, 100):
        world.client.submit(job)
    world.device.session = 0
    world.run(lambda: any(isinstance(e, SessionLost) for e in world.events))
    assert [job.sample for job in world.client.unfinished] == [1, 2, 3, 4]


def test_answers_of_another_session_mean_nothing():
    world = World(Device(100)).connect()
    (job,) = samples(1, 100)
    world.client.submit(job)
    world.client.poll(world.now)
    record = record_of(b"\0" * 100)
    body = struct.pack("<BBHIIHI", Type.RESULT, 0, world.client._sequence, 78, 1, 9, 0) + record
    assert world.client.receive(encode(body), world.now) == []
    assert world.client.statistics.stale_frames == 1
    assert world.client.unfinished == [job]


def test_pieces_of_two_runs_make_no_record():
    world = World(Device(100)).connect()
    (job,) = samples(1, 100)
    world.client.submit(job)
    world.client.poll(world.now)
    right, wrong = record_of(job.data), record_of(b"\1" * 100)

    def piece(run, at, data):
        header = struct.pack("<BBHI", Type.RESULT, 0, world.client._sequence, 77)
        return encode(header + struct.pack("<IHI", 1, run, at) + data)

    assert world.client.receive(piece(1, 0, wrong[:10]), world.now) == []
    assert world.client.receive(piece(2, 10, right[10:]), world.now) == []
    (event,) = world.client.receive(piece(2, 0, right[:10]), world.now)
    check([event], [job])


def test_a_long_inference_is_not_flooded_with_questions():
    world = World(Device(100)).connect()
    world.client.submit(samples(1, 100)[0])
    world.client.poll(0.0)
    asked = sum(bool(world.client.poll(0.05 * tick)) for tick in range(60 * 20))
    assert 20 < asked < 60
    assert world.client.statistics.lost_frames == 0


def test_tensors_arrive_before_their_record():
    world = World(Device(100)).connect()
    job = Job(Type.INFER, sample=9, flags=Infer.FETCH, data=bytes(100), fetch=(0, 0, 50))
    world.client.submit(job)
    sent = Decoder()
    (body,) = sent.feed(world.client.poll(world.now))
    assert body[8:29] == infer_fields(Infer.FETCH, 9, 0, 0xFFFF, (0, 0, 50))
    header = struct.pack("<BBHI", Type.TENSOR, 0, world.client._sequence, 77)
    tensor = encode(
        header
        + struct.pack(
            "<III",
            9,
            50,
            20,
        )
        + b"abc"
    )
    (event,) = world.client.receive(tensor, world.now)
    assert isinstance(event, Fetched)
    assert (event.piece.total, event.piece.offset, event.piece.data) == (50, 20, b"abc")
    assert world.client.unfinished == [job]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc4",
        struct.pack("<BBHI", Type.DONE, 0, 1, 1),
        struct.pack("<BBHI", Type.MODEL, 0, 1, 1) + bytes(40),
        struct.pack("<BBHI", Type.INFO, 0, 1, 1)
        + struct.pack("<HHIIIIB", VERSION, 1, 1, 1, 1, 1, 1)
        + b"\xffab",
        struct.pack("<BBHI", Type.INFO, 0, 1, 1)
        + struct.pack("<HHIIIIB", VERSION, 1, 1, 1, 1, 1, 1)
        + b"\x02\xff\xff\x00",
        struct.pack("<BBHI", 0x42, 0, 1, 1),
    ],
)
def test_what_is_no_answer_is_none(body):
    assert parse(body) is None


def test_another_version_is_read_as_far_as_it_is_known():
    body = struct.pack("<BBHIH", Type.INFO, 0, 1, 1, 9) + b"who knows"
    parsed = parse(body)
    assert parsed is not None
    assert isinstance(parsed[1], Info)
    assert parsed[1].version == 9


def test_small_answers():
    done = parse(struct.pack("<BBHII", Type.DONE, 0, 1, 1, 5))
    refusal = parse(struct.pack("<BBHIBI", Type.ERROR, 0, 1, 1, 7, 0xFFFFFFFF))
    assert done is not None and done[1] == Done(5)
    assert refusal is not None and refusal[1] == Refusal(7, 0xFFFFFFFF)


def test_a_window_of_a_few_bytes_means_one_frame_at_a_time():
    """A UART without a buffer: nothing may arrive while the device is busy."""
    world = World(Device(100))
    info = world.ask(hello())
    world.client.info = replace(info, window=6)
    world.client.models = (world.ask(Job(Type.DESCRIBE)),)
    jobs = samples(5, 100)
    for job in jobs:
        world.client.submit(job)
    assert world.client.poll(world.now).count(b"\0") == 1
