import dataclasses
import itertools

import numpy as np
import pytest

from qembed.device.session import Session
from qembed.errors import DeviceError, InputError, QembedError
from qembed.verify.check import verify
from qembed.verify.journal import Recorder, Replay, keys, load, samples_of
from support.link_board import Board
from support.native_digits import export_digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return export_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def board(digits):
    with Board(digits.link(digits.source)) as board:
        yield board


class Counting:
    """A board that counts the inferences it is asked for."""

    def __init__(self, session):
        self.session = session
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self.session, name)

    def infer_many(self, model, inputs, **options):
        for seen in self.session.infer_many(model, inputs, **options):
            self.asked += 1
            yield seen


def interrupt_at(sample):
    def progress(done, _):
        if done == sample:
            raise KeyboardInterrupt

    return progress


def judged(report):
    """The part of a report that does not depend on the line or the clock."""
    return dataclasses.replace(report, port="", line=None)


def test_an_interrupted_run_goes_on_where_it_was(digits, board, tmp_path):
    path = tmp_path / "run.journal"
    inputs = [digits.inputs]
    port = board.open()
    recorder = Recorder(Session(port), path)
    with pytest.raises(KeyboardInterrupt):
        verify(digits.graph, recorder, digits.layers, inputs, interrupt_at(20))
    recorder.close()
    port.close()

    with path.open("ab") as file:
        file.write(b"\x13half a frame, cut off by the interruption")
    board.reset()
    port = board.open()
    counting = Counting(Session(port))
    recorder = Recorder(counting, path, resume=True)
    report = verify(digits.graph, recorder, digits.layers, inputs)
    assert report.verdict == "equal"
    assert report.samples == len(digits.inputs)
    assert counting.asked == len(digits.inputs) - 20 + 1  # the rest, and the seam
    recorder.close()

    journal = load(path)
    again = verify(digits.graph, Replay(journal), digits.layers, samples_of(journal, digits.graph))
    assert judged(again) == judged(report)
    assert str(path) in again.port
    port.close()


def test_a_recorded_difference_is_judged_the_same_without_the_board(digits, tmp_path):
    path = tmp_path / "run.journal"
    fault = digits.source.array(2, "bias", lambda n: n + 50)
    with Board(digits.link(fault)) as board:
        port = board.open()
        recorder = Recorder(Session(port), path)
        report = verify(digits.graph, recorder, digits.layers, [digits.inputs])
        recorder.close()
        port.close()
    assert report.verdict == "different"
    assert report.first.layer == 2
    journal = load(path)
    again = verify(digits.graph, Replay(journal), digits.layers, samples_of(journal, digits.graph))
    assert judged(again) == judged(report)


def test_a_board_that_was_changed_in_between_is_refused(digits, board, tmp_path):
    path = tmp_path / "run.journal"
    inputs = [digits.inputs[:10]]
    port = board.open()
    recorder = Recorder(Session(port), path)
    verify(digits.graph, recorder, digits.layers, inputs)
    recorder.close()
    port.close()
    fault = digits.source.array(2, "bias", lambda n: n + 50)
    with Board(digits.link(fault)) as other:
        port = other.open()
        recorder = Recorder(Session(port), path, resume=True)
        with pytest.raises(DeviceError, match="something else than"):
            verify(digits.graph, recorder, digits.layers, [digits.inputs])
        recorder.close()
        port.close()


def test_other_samples_are_refused(digits, board, tmp_path):
    port = board.open()
    recorder = Recorder(Session(port), tmp_path / "j")
    verify(digits.graph, recorder, digits.layers, [digits.inputs[:5]])
    with pytest.raises(InputError, match="other samples"):
        verify(digits.graph, recorder, digits.layers, [digits.inputs[5:9]])
    recorder.close()
    port.close()


def test_a_replay_knows_only_what_was_run(digits, board, tmp_path):
    port = board.open()
    recorder = Recorder(Session(port), tmp_path / "j")
    verify(digits.graph, recorder, digits.layers, [digits.inputs[:5]])
    recorder.close()
    port.close()
    replay = Replay(load(tmp_path / "j"))
    with pytest.raises(InputError, match="no observation of sample 5"):
        verify(digits.graph, replay, digits.layers, [digits.inputs[:6]])
    with pytest.raises(InputError, match="does not hold layer 3"):
        replay.fetch(0, [digits.inputs[0].tobytes()], 3)


def test_a_journal_survives_any_cut(digits, board, tmp_path):
    path = tmp_path / "j"
    port = board.open()
    recorder = Recorder(Session(port), path)
    verify(digits.graph, recorder, digits.layers, [digits.inputs[:5]])
    recorder.close()
    port.close()
    content = path.read_bytes()
    header = content.index(b"\0") + 1
    for end in range(header, len(content), 37):
        path.write_bytes(content[:end])
        assert 0 <= len(load(path).records) <= 5
    for end in range(0, header, 37):
        path.write_bytes(content[:end])
        with pytest.raises(QembedError, match="not a journal"):
            load(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 100, bytes(range(256)) * 9])
def test_what_is_no_journal_is_refused(content, tmp_path):
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(QembedError, match="not a journal"):
        load(tmp_path / "j")
    with pytest.raises(QembedError, match="no such file"):
        load(tmp_path / "absent")


def test_keys_tell_samples_and_histories_apart():
    data = [b"a", b"b", b"a"]
    plain, steps = list(keys(data, False)), list(keys(data, True))
    assert plain[0] == plain[2] != plain[1]
    assert len(set(steps)) == 3
    assert not set(plain) & set(steps)
    assert list(itertools.islice(keys(data, True), 2)) == steps[:2]
    assert isinstance(np.frombuffer(steps[0], np.uint8), np.ndarray)
