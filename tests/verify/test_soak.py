"""Long runs, made short: what is counted, what is survived, what ends them."""

from dataclasses import replace

import numpy as np
import pytest

from qembed import container
from qembed.cli._common import BUNDLED
from qembed.device.session import Session
from qembed.errors import DeviceError
from qembed.export.model import model_sources
from qembed.targets import load_target
from qembed.verify import soak as soak_module
from qembed.verify.check import Judge
from qembed.verify.journal import Recorder, load
from qembed.verify.layers import layers_of
from qembed.verify.reservoir import ROWS, Reservoir
from qembed.verify.soak import soak
from support.link_board import Board
from support.native_digits import export_digits
from verify.test_check import Witness, inputs_of, wrong_in


@pytest.fixture(scope="module")
def digits():
    graph = container.load(BUNDLED)
    return graph, layers_of(model_sources(graph, load_target("native")))


class Flaky(Witness):
    """Goes away after some inferences."""

    def __init__(self, graph, layers, after, **lies):
        super().__init__(graph, layers, **lies)
        self.left = after

    def infer_many(self, *arguments, **options):
        for seen in super().infer_many(*arguments, **options):
            if self.left == 0:
                raise DeviceError("device disconnected")
            self.left -= 1
            yield seen


def test_samples_are_run_again_and_again(digits):
    graph, layers = digits
    told = []
    judge = Judge(graph, Witness(graph, layers), layers, inputs_of(graph))
    report = soak(judge, 0.3, tell=told.append)
    assert report.verdict == "equal"
    assert report.passes > 2
    assert report.samples == 6 * report.passes
    assert told[-1].samples == report.samples and told[-1].passes == report.passes
    assert told[-1].seconds >= 0.3
    once = soak(Judge(graph, Witness(graph, layers), layers, inputs_of(graph)), 1e-9)
    assert once.passes == 1


def test_one_wrong_run_in_many_is_seen(digits):
    graph, layers = digits
    judge = Judge(graph, Witness(graph, layers, wrong_in(4, 40)), layers, inputs_of(graph))
    while judge.samples < 60:
        judge.run()
    report = judge.report()
    assert (report.verdict, report.differing, report.first.blame) == ("different", 1, "unstable")


def test_a_board_that_goes_away_is_waited_for(digits, monkeypatch):
    graph, layers = digits
    monkeypatch.setattr(soak_module, "RETRY_SECONDS", 0.001)
    comes_back = iter([None, None, Flaky(graph, layers, 9), Flaky(graph, layers, 10**6)])

    def reopen():
        if (board := next(comes_back)) is None:
            raise DeviceError("port does not exist")
        return board

    judge = Judge(graph, Flaky(graph, layers, 8), layers, inputs_of(graph))
    report = soak(judge, 1.0, reopen)
    assert (report.verdict, report.line.reconnects) == ("equal", 2)
    assert report.samples == 8 + 9 + (report.passes - 2) * 6


def test_a_board_that_stays_away_or_only_fails_ends_it(digits, monkeypatch):
    graph, layers = digits
    monkeypatch.setattr(soak_module, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(soak_module, "RECONNECT_SECONDS", 0.05)

    def nobody():
        raise DeviceError("port does not exist")

    for reopen in (None, nobody, lambda: Flaky(graph, layers, 0)):
        judge = Judge(graph, Flaky(graph, layers, 3), layers, inputs_of(graph))
        with pytest.raises(DeviceError, match="device disconnected"):
            soak(judge, 10, reopen)
        assert judge.samples == 3


def test_another_board_is_refused(digits):
    graph, layers = digits
    other = Flaky(graph, layers, 10)
    other.models = (replace(other.models[0], name="other"),)
    judge = Judge(graph, Flaky(graph, layers, 3), layers, inputs_of(graph))
    with pytest.raises(DeviceError, match="came back with another firmware"):
        soak(judge, 10, lambda: other)


def test_a_recording_of_a_long_run_stays_small(tmp_path):
    """Every sample once, and what contradicts it."""
    digits = export_digits(tmp_path / "digits")
    sizes = []
    with Board(digits.link(digits.source)) as board:
        port = board.open()
        for passes in (1, 5):
            recorder = Recorder(Session(port), tmp_path / "j")
            judge = Judge(digits.graph, recorder, digits.layers, [digits.inputs])
            for _ in range(passes):
                judge.run()
            recorder.close()
            sizes.append((tmp_path / "j").stat().st_size)
        assert sizes[0] == sizes[1]
        (key, ticks), record = next(iter(load(tmp_path / "j").records.items()))
        recorder = Recorder(Session(port), tmp_path / "j", resume=True)
        wrong = replace(record, outputs=bytes(len(record.outputs)))
        for said in (record, wrong, record, wrong):
            recorder._keep(key, said, ticks)
        recorder.close()
        assert load(tmp_path / "j").records[key, ticks].outputs == wrong.outputs
        assert sizes[0] < (tmp_path / "j").stat().st_size < sizes[0] + 400
        port.close()


def test_a_reservoir_is_a_fair_sample():
    kept = Reservoir(2)
    for number in range(5):
        kept.add((number, -number))
    assert kept.rows.tolist() == [[n, -n] for n in range(5)]
    for number in range(5, 4 * ROWS):
        kept.add((number, -number))
    assert kept.rows.shape == (ROWS, 2)
    assert abs(kept.rows[:, 0].mean() / (2 * ROWS) - 1) < 0.02
    assert np.array_equal(kept.rows[:, 0], -kept.rows[:, 1])
    assert kept.least.tolist() == [0, 1 - 4 * ROWS] and kept.most.tolist() == [4 * ROWS - 1, 0]
