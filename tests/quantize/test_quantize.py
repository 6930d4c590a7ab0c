"""The whole way from a float network to integers."""

from dataclasses import replace

import numpy as np
import pytest

from qembed.backends.host import HostModel
from qembed.container import graph_hash
from qembed.errors import InputError, QembedError, UnsupportedError
from qembed.floats import executor
from qembed.floats.binary import Binary
from qembed.floats.conv import Conv
from qembed.floats.lowering import Encoding, encode
from qembed.floats.unary import Unary
from qembed.importers import import_bytes
from qembed.ops.concatenation import Concatenation
from qembed.quantize import METHODS, Settings, mixed, quantize
from qembed.quantize.agreement import compare
from qembed.quantize.calibration import calibrate
from qembed.quantize.equalize import equalized, peaks_of
from qembed.quantize.integers import build
from qembed.quantize.layers import Recipe
from qembed.quantize.prepare import prepared
from qembed.quantize.scheme import encoding_of, groups_of, targets_of
from qembed.tflite import writer
from support.float_layers import single
from support.float_networks import SHAPE, Builder, residual, samples
from support.tflm import Interpreter

LEAST_DB = {"int8": 38, "int16x8": 46, "int4": 14}


@pytest.fixture(scope="module", params=LEAST_DB)
def result(request):
    return request.param, quantize(residual(), [samples(64)], Settings(request.param))


def test_integers_follow_the_float_network(result):
    method, made = result
    fresh = samples(100, seed=9)
    agreement = compare(made.real, made.graph, [fresh])
    assert agreement.sqnr > LEAST_DB[method]
    assert agreement.changed <= {"int8": 3, "int16x8": 1, "int4": 15}[method]
    (before,), (after,) = executor.run(residual(), [fresh]), executor.run(made.real, [fresh])
    np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-5)


def test_the_file_is_the_network(result):
    """Read back it is the same graph, and the judge computes the same bytes from it."""
    method, made = result
    raw = writer.write(made.file)
    again = import_bytes(raw, made.graph.name)
    if method != "int4":  # whose 4-bit rows a file cannot mark
        assert graph_hash(again) == graph_hash(replace(made.graph, source={}))
    tensor = made.graph.tensors[made.graph.inputs[0]]
    steps = encode(samples(20, seed=4), Encoding(tensor.dtype, tensor.quantization))
    (ours,), (theirs,) = HostModel(made.graph).run([steps]), Interpreter(raw).run([steps])
    np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


def test_same_data_and_seed_give_the_same_bytes():
    settings = Settings("int4", seed=3)
    raws = {writer.write(quantize(residual(), [samples(20)], settings).file) for _ in range(2)}
    assert len(raws) == 1


def test_what_measures_best_is_chosen(result):
    _, made = result
    assert made.recipe == max(made.trials, key=lambda trial: trial.sqnr).recipe
    assert len(made.trials) == len(METHODS[result[0]])


def test_int4_stays_within_its_share():
    made = quantize(residual(), [samples(32)], Settings("int4"))
    narrow, wide = (mixed.sizes(made.real, bits) for bits in (4, 8))
    used = sum((narrow if made.decisions.layers[n].bits == 4 else wide)[n] for n in wide)
    assert used <= 0.55 * sum(wide.values()) or all(
        layer.bits == 4 for layer in made.decisions.layers.values()
    )
    bits = {n.name: n.params.weight_bits for n in made.graph.nodes if hasattr(n.params, "weights")}
    assert sorted(bits.values()) == sorted(layer.bits for layer in made.decisions.layers.values())
    for layer in made.decisions.layers.values():
        assert np.abs(layer.weights).max() <= (7 if layer.bits == 4 else 127)


def test_mixed_spends_what_it_may_where_it_helps_most():
    graph, data = residual(), [samples(32)]
    wide = sum(mixed.sizes(graph, 8).values())
    narrow = sum(mixed.sizes(graph, 4).values())
    found = []
    for budget in (narrow, (narrow + wide) // 2, wide):
        made = quantize(graph, data, Settings("mixed", weights_max=budget))
        layers = made.decisions.layers
        used = sum(mixed.sizes(graph, layers[n].bits)[n] for n in layers)
        assert used <= budget
        found.append((used, compare(made.real, made.graph, [samples(64, seed=2)]).sqnr))
    assert found[0][0] == narrow < found[1][0] < found[2][0] == wide
    assert found[0][1] < found[1][1] < found[2][1]


def test_room_goes_to_the_layer_that_suffers_most_for_its_size():
    graph = residual()
    wide, narrow = mixed.sizes(graph, 8), mixed.sizes(graph, 4)
    more = {name: wide[name] - narrow[name] for name in wide}
    for chosen in wide:
        errors = {name: float(more[name]) * (10 if name == chosen else 1) for name in wide}
        budget = sum(narrow.values()) + more[chosen]
        assert next(iter(mixed.kept_wide(graph, errors, budget))) == chosen


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings("mixed", weights_max=100), "with 4 bits everywhere the weights take"),
        (Settings("mixed"), "go together"),
        (Settings("int8", weights_max=5000), "go together"),
    ],
)
def test_a_limit_that_cannot_be_met_is_refused(settings, words):
    with pytest.raises(UnsupportedError, match=words):
        quantize(residual(), [samples(8)], settings)


def test_equalization_helps_where_channels_are_uneven():
    graph, data = prepared(residual(spread=4.0)), samples(64)
    peaks = peaks_of(executor.trace(graph, [data]))
    found = {}
    for strength in (0.0, 1.0):
        even = equalized(graph, peaks, strength)
        decisions = calibrate(even, [data], Recipe(ranges=("min-max",)))
        integers, _ = build(even, decisions.encodings, decisions.layers)
        found[strength] = compare(even, integers, [samples(64, seed=2)]).sqnr
    assert found[1.0] > found[0.0] + 1


def test_equalized_channels_reach_equally_far():
    graph, data = prepared(residual()), samples(32)
    even = equalized(graph, peaks_of(executor.trace(graph, [data])), 1.0)
    after = peaks_of(executor.trace(even, [data]))
    free = after[3]  # the sum: the larger of its branches decides
    assert graph.nodes[2].outputs == (3,)
    together = np.max([after[i] for i in (1, 2, 3)], axis=0)
    np.testing.assert_allclose(together, together.max(), rtol=1e-3)
    assert free.max() <= together.max() * 1.001


def test_power_of_two_scales():
    made = quantize(residual(), [samples(16)], Settings(power_of_two=True))
    scales = [e.quantization.scale for e in made.decisions.encodings.values()]
    scales += [s for layer in made.decisions.layers.values() for s in layer.scale]
    assert all(np.log2(s) == np.rint(np.log2(s)) for s in scales)
    assert compare(made.real, made.graph, [samples(50, seed=2)]).sqnr > 22


def test_tied_tensors_share_a_scale():
    graph = single("concatenation", Concatenation(3), (1, 2, 2, 1), (1, 2, 2, 1))
    wide = samples(8, shape=(1, 2, 2, 1))
    made = quantize(graph, [wide, 50 * wide])
    assert len(set(made.decisions.encodings.values())) == 1
    assert groups_of(graph, "int8")[0].members == (0, 1, 2)


def test_a_final_softmax_is_looked_through():
    graph = residual()
    (target,) = targets_of(graph)
    assert graph.nodes[-1].op == "normalize" and target == graph.nodes[-1].inputs[0]


@pytest.mark.parametrize(
    ("span", "expected"),
    [((0.0, 255.0), (1.0, -128)), ((-1.0, 0.0), (1 / 255, 127)), ((2.0, 255.0), (1.0, -128))],
)
def test_int8_ranges_hold_zero(span, expected):
    by = encoding_of(span, "int8").quantization
    assert (by.scale, by.zero_point) == (float(np.float32(expected[0])), expected[1])


def test_dead_channels_and_constant_tensors():
    """Weights that are all zero, and a tensor that never changes, have a scale all the same."""
    b = Builder()
    weights = np.random.default_rng(0).standard_normal((4, 1, 1, 3)).astype(np.float32)
    weights[1] = 0
    bias = np.array([0, 1000, 0, -5], np.float32)
    edges = ((0, 0), (0, 0))
    one = b.node("conv", Conv(weights, bias, (1, 1), edges), 0)
    two = b.node("unary", Unary("relu"), one)
    graph = b.graph(b.node("binary", Binary("add"), one, two))
    made = quantize(graph, [samples(16)], Settings(equalize=1.0))
    assert compare(made.real, made.graph, [samples(16)]).sqnr > 30


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([samples(1)], "at least 2"),
        ([samples(0)], "0 samples"),
        ([samples(8)[..., :2]], r"takes \[B, 1, 8, 8, 3\]"),
        ([samples(8).astype(np.int8)], "real numbers"),
        ([np.full((8, *SHAPE), np.nan, np.float32)], "no finite number"),
        ([np.zeros((8, *SHAPE), np.float32)], "the same"),
        ([], "1 inputs, the data 0"),
        ([samples(8) * np.float32(3e37)], "no finite numbers"),
    ],
)
def test_data_that_cannot_be_meant_is_refused(data, words):
    with pytest.raises(InputError, match=words):
        quantize(residual(), data)


def test_an_operator_without_integer_form_is_named():
    b = Builder()
    one = b.node("unary", Unary("abs"), 0)
    graph = b.graph(b.node("binary", Binary("div"), 0, one))
    with pytest.raises(UnsupportedError, match=r"DIV.*binary1"):
        quantize(graph, [samples(8)])


@pytest.mark.parametrize("settings", [Settings("int3"), Settings(range_method="best")])
def test_unknown_methods_are_refused(settings):
    with pytest.raises(QembedError, match="choose one of"):
        quantize(residual(), [samples(8)], settings)
