"""The judge, with a witness that is a Python object and lies in chosen ways."""

from dataclasses import replace

import numpy as np
import pytest

from qembed import container
from qembed._host import hash32
from qembed.backends import reference
from qembed.cli._common import BUNDLED
from qembed.container import graph_hash
from qembed.device.session import Observation
from qembed.errors import DeviceError, InputError
from qembed.export.model import model_sources
from qembed.ir import Graph, Node, Tensor
from qembed.ops.mul import Mul
from qembed.protocol.client import Statistics
from qembed.protocol.hashing import input_hash
from qembed.protocol.messages import Capability, Info, Model, Record
from qembed.targets import load_target
from qembed.verify import expected as expected_module
from qembed.verify.check import verify
from qembed.verify.layers import ReportedLayer, layers_of, packed, stored

INFO = Info(2, 1040, 4096, Capability(7), 1, 2, 1, "cycles", "fake")


class Witness:
    """A board in Python. `lie(call, layer, array)` may change what a layer holds."""

    url = "nowhere"
    info = INFO
    resets = 0
    statistics = Statistics()
    escape = None

    def __init__(self, graph, layers, lie=lambda call, layer, array: array, input_lie=0):
        self.graph, self.layers, self.lie, self.input_lie = graph, layers, lie, input_lie
        self.calls = 0
        sizes = [
            tuple(graph.tensors[i].nbytes for i in ids) for ids in (graph.inputs, graph.outputs)
        ]
        self.models = (Model(graph_hash(graph), 1, len(layers), *sizes, "m"),)

    def run(self, history):
        arrays, at = [], 0
        for index in self.graph.inputs:
            tensor = self.graph.tensors[index]
            rows = [data[at : at + tensor.nbytes] for data in history]
            flat = np.frombuffer(b"".join(rows), np.dtype(tensor.dtype))
            arrays.append(flat.reshape(len(history), *tensor.shape))
            at += tensor.nbytes
        traced = reference.trace(self.graph, arrays)
        self.calls += 1
        return {
            layer.tensor: self.lie(self.calls, number, traced[layer.tensor][-1].copy())
            for number, layer in enumerate(self.layers)
        } | {i: traced[i][-1] for i in self.graph.outputs if i in self.graph.inputs}

    def record(self, history, ticks):
        seen = self.run(history)
        hashes = [hash32(stored(seen[x.tensor][None], self.graph, x, "<"))[0] for x in self.layers]
        (outputs,) = packed([seen[i][None] for i in self.graph.outputs], "<")
        told = input_hash(self.models[0], history[-1]) ^ self.input_lie
        each = tuple(10 for _ in self.layers)
        return Record(
            told, 77, 200, self.escape, tuple(map(int, hashes)), each if ticks else (), outputs
        )

    def infer_many(self, model, inputs, *, ordered=False, ticks=False):
        for index, data in enumerate(inputs):
            history = [inputs[i] for i in range(index + 1)] if ordered else [data]
            right = input_hash(self.models[0], data)
            yield Observation(index, right, self.record(history, ticks))

    def fetch(self, model, history, layer, *, ordered=False):
        kept = list(history) if ordered else [history[-1]]
        seen = self.run(kept)[self.layers[layer].tensor]
        return stored(seen[None], self.graph, self.layers[layer], "<").tobytes(), self.record(
            kept, False
        )


@pytest.fixture(scope="module")
def digits():
    graph = container.load(BUNDLED)
    return graph, layers_of(model_sources(graph, load_target("native")))


def wrong_in(layer, *calls):
    """Change one element of a layer, in all calls or in these."""

    def lie(call, number, array):
        if number == layer and (not calls or call in calls):
            array.flat[5] += 1
        return array

    return lie


def inputs_of(graph, count=6):
    return [graph.samples.inputs[0][:count]]


def test_an_honest_witness_is_equal(digits):
    graph, layers = digits
    steps = []
    report = verify(
        graph, Witness(graph, layers), layers, inputs_of(graph), lambda *s: steps.append(s)
    )
    assert (report.verdict, report.samples, report.differing, report.first) == ("equal", 6, 0, None)
    assert steps == [(n, 6) for n in range(1, 7)]
    assert report.cost.unit == "cycles"
    assert report.cost.median == 38.5  # 77 ticks, two to a cycle
    assert [layer.cost for layer in report.layers] == [5.0] * len(layers)
    assert report.layer_bytes == 6 * sum(graph.tensors[x.tensor].nbytes for x in layers)


def test_the_first_wrong_element_is_found(digits):
    graph, layers = digits
    report = verify(graph, Witness(graph, layers, wrong_in(4)), layers, inputs_of(graph))
    first = report.first
    assert (report.verdict, report.differing) == ("different", 6)
    assert (first.sample, first.layer, first.name, first.index) == (0, 4, "depth2", (0, 0, 0, 5))
    assert first.got == first.expected + 1
    assert (first.differing, first.elements, first.blame) == (1, 512, "board")
    assert first.pattern == "one element"
    assert isinstance(first.accumulator, int)
    assert [layer.differing for layer in report.layers] == [0, 0, 0, 0, 6, 0, 0, 0, 0, 0]
    assert [layer.first for layer in report.layers] == [0, 0, 0, 0, 6, 0, 0, 0, 0, 0]


def test_a_write_outside_the_arena_is_a_difference_of_its_layer(digits):
    graph, layers = digits
    witness = Witness(graph, layers)
    witness.escape = (4, witness.models[0].arena_bytes + 2)
    report = verify(graph, witness, layers, inputs_of(graph))
    assert (report.verdict, report.differing) == ("different", 6)
    assert [layer.first for layer in report.layers] == [0, 0, 0, 0, 6, 0, 0, 0, 0, 0]
    assert (report.first.layer, report.first.name, report.first.blame) == (4, "depth2", "board")
    (cause,) = report.first.causes
    assert (cause.kind, cause.text) == (
        "escape",
        "it writes outside the arena, 3 bytes beyond its end",
    )
    witness.lie = wrong_in(2)  # an earlier layer is wrong: that comes first
    assert verify(graph, witness, layers, inputs_of(graph)).first.layer == 2
    witness.lie, witness.escape = wrong_in(7), (len(layers), -4)
    assert verify(graph, witness, layers, inputs_of(graph)).first.layer == 7


def test_a_counter_that_stands_still_gives_no_cost(digits):
    graph, layers = digits

    class Still(Witness):
        def record(self, history, ticks):
            return replace(super().record(history, ticks), ticks=0, layer_ticks=(0,) * len(layers))

    report = verify(graph, Still(graph, layers), layers, inputs_of(graph))
    assert report.cost is None and report.counter_unit == "cycles"
    assert all(layer.cost is None for layer in report.layers)
    assert report.memory.stack_bytes == 200


def test_a_difference_that_a_second_run_does_not_show_is_unstable(digits):
    graph, layers = digits
    report = verify(graph, Witness(graph, layers, wrong_in(4, 3)), layers, inputs_of(graph))
    assert (report.verdict, report.differing) == ("different", 1)
    assert (report.first.sample, report.first.blame) == (2, "unstable")


def test_another_input_than_was_sent(digits):
    graph, layers = digits
    report = verify(graph, Witness(graph, layers, input_lie=4), layers, inputs_of(graph))
    assert report.verdict == "different"
    assert (report.first.layer, report.first.blame) == (-1, "input")


def test_a_wrong_host_kernel_is_not_blamed_on_the_board(digits, monkeypatch):
    graph, layers = digits

    class Wrong(expected_module.HostModel):
        def trace(self, inputs, keep_state=False):
            traced = super().trace(inputs, keep_state)
            traced[layers[2].tensor] = traced[layers[2].tensor] ^ 1
            return traced

    monkeypatch.setattr("qembed.verify.expected.HostModel", Wrong)
    monkeypatch.setattr("qembed.verify.locate.HostModel", Wrong)
    report = verify(graph, Witness(graph, layers), layers, inputs_of(graph))
    assert report.verdict == "different"
    assert (report.first.layer, report.first.blame) == (2, "host")


def test_outputs_that_are_read_wrongly(digits):
    graph, layers = digits

    class Late(Witness):
        def record(self, history, ticks):
            record = super().record(history, ticks)
            return replace(record, outputs=bytes([record.outputs[0] ^ 1]) + record.outputs[1:])

    first = verify(graph, Late(graph, layers), layers, inputs_of(graph)).first
    assert (first.layer, first.tensor, first.blame) == (len(layers), "classes", "board")
    assert first.index[-1] == 0


def test_a_model_with_state_is_followed_step_by_step():
    """y = the product of all inputs so far: one wrong step shows in all that follow."""
    from qembed.arithmetic import Requantization

    one = Requantization(np.array([1 << 30], np.int32), np.array([1], np.int32))
    params = Mul(one, 0, 0, 0, (-128, 127))
    graph = Graph(
        "product",
        (Tensor("x", (1, 4), "int8"), Tensor("state", (1, 4), "int8", reset_value=1)),
        (Node("times", "mul", params, (0, 1), (1,)),),
        (0,),
        (1,),
    )
    layers = (ReportedLayer(0, 1, "nhwc", "portable", "f"),)
    steps = np.random.default_rng(1).integers(-2, 3, (5, 1, 4)).astype(np.int8)
    assert verify(graph, Witness(graph, layers), layers, [steps]).verdict == "equal"
    first = verify(graph, Witness(graph, layers, wrong_late), layers, [steps]).first
    assert (first.sample, first.layer, first.blame) == (3, 0, "board")


def wrong_late(call, number, array):
    """Every call from the fourth on is wrong: steps 3 and later, and each second look."""
    if call >= 4:
        array.flat[2] ^= 64
    return array


def test_what_does_not_fit_is_refused(digits):
    graph, layers = digits
    witness = Witness(graph, layers)
    with pytest.raises(InputError, match=r"input 'image' is int8\[6, 8, 8, 1\], must be"):
        verify(graph, witness, layers, [inputs_of(graph)[0].reshape(6, 8, 8, 1)])
    with pytest.raises(InputError, match="takes 1 inputs of at least one sample"):
        verify(graph, witness, layers, [])
    with pytest.raises(InputError, match="at least one sample"):
        verify(graph, witness, layers, [inputs_of(graph, 0)[0]])
    with pytest.raises(DeviceError, match="reports 10 layers of this model, its export 9"):
        verify(graph, witness, layers[:-1], inputs_of(graph))
    honest = witness.models[0]
    witness.models = (replace(honest, outputs=(11,)),)
    with pytest.raises(DeviceError, match=r"have \(64,\) and \(11,\) bytes, those of the model"):
        verify(graph, witness, layers, inputs_of(graph))
    witness.models = (replace(honest, hash=bytes(32)),)
    with pytest.raises(DeviceError, match="does not hold this model"):
        verify(graph, witness, layers, inputs_of(graph))
