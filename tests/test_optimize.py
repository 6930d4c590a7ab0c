"""Exact simplification: no input may tell the smaller network from the original."""

import dataclasses

import numpy as np
import pytest

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.importers import import_model
from qembed.ir import Graph, Node, Tensor
from qembed.ops.conv import Conv
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.pad import Pad
from qembed.ops.quantize import Quantize
from qembed.optimize import Removal, channels, intervals, optimize, seen_constant
from qembed.validate import validate
from support.draw import choice, integer
from support.networks import RANGE, Builder, convolution, depthwise, head, join, pool, sums

NETWORKS = 200
WEIGHTED = ("conv", "depthwise_conv", "fully_connected")


def crippled(seed: int) -> Graph:
    """A random network full of what can be removed, and of what only looks like it."""
    rng = np.random.default_rng(seed)
    graph = Builder((1, integer(rng, 3, 7), integer(rng, 3, 7), choice(rng, (1, 2, 3))))
    images = [0]
    layers = (convolution, convolution, convolution, depthwise, depthwise, pool, join, border)
    for _ in range(integer(rng, 3, 8)):
        source = images[-1] if rng.random() < 0.8 else choice(rng, images)
        images.append(choice(rng, layers)(rng, graph, source))
    outputs = [choice(rng, (head, flat_head))(rng, graph, images[-1])]
    if rng.random() < 0.2:
        outputs.append(images[-2])
    nodes = tuple(cripple(rng, node) for node in graph.nodes)
    return validate(Graph(f"net {seed}", tuple(graph.tensors), nodes, (0,), tuple(outputs)))


def flat_head(rng, graph, source):
    """A fully connected layer that reads an image, or two rows of one."""
    size = int(np.prod(graph.shape(source)))
    inputs = size if size % 2 or rng.random() < 0.5 else size // 2
    weights = rng.integers(-127, 128, (7, inputs)).astype(np.int8)
    return graph.add("fully_connected", FullyConnected(**sums(rng, weights, 7, inputs)), source)


def border(rng, graph, source):
    """A PAD, its value often the zero point of the convolution behind it."""
    edges = ((0, 0), (integer(rng, 0, 1), 1), (1, integer(rng, 0, 1)), (0, 0))
    padded = graph.add("pad", Pad(edges, integer(rng, -128, 127)), source)
    result = convolution(rng, graph, padded)
    if rng.random() < 0.6:
        params = graph.nodes[-1].params
        params = dataclasses.replace(params, input_zero_point=graph.nodes[-2].params.value)
        graph.nodes[-1] = dataclasses.replace(graph.nodes[-1], params=params)
    return result


def cripple(rng, node):
    """Kill, flush, saturate, clamp and overflow rows of a node; leave some columns without use."""
    if node.op not in WEIGHTED:
        return node
    old = node.params
    weights = old.weights.copy()
    rows = np.moveaxis(weights, -1 if node.op == "depthwise_conv" else 0, 0)
    fate = rng.choice(6, len(rows), p=(0.5, 0.2, 0.1, 0.08, 0.08, 0.04))
    rows[fate == 1] = 0
    if node.op == "conv" and rng.random() < 0.5:
        weights[..., rng.random(weights.shape[-1]) < 0.3] = 0
    by = old.requantization
    multiplier = np.where(fate == 2, 0, by.multiplier).astype(np.int32)
    shift = np.where(fate == 2, 0, by.shift)
    shift = np.where(fate == 5, 12, shift).astype(np.int32)  # wraps around: never monotone
    bias = old.bias + 40_000_000 * ((fate == 3).astype(np.int32) - (fate == 4))
    narrow = integer(rng, -128, 127)
    clamp = (narrow, min(127, narrow + integer(rng, 0, 3)))
    return dataclasses.replace(
        node,
        params=dataclasses.replace(
            old,
            weights=weights,
            bias=bias.astype(np.int32),
            requantization=Requantization(multiplier, shift),
            activation_range=clamp if rng.random() < 0.1 else old.activation_range,
        ),
    )


def inputs_of(graph, count=8):
    """Random images, images of extremes only, and the two that are the same everywhere."""
    rng = np.random.default_rng(count)
    batches = []
    for index in graph.inputs:
        tensor = graph.tensors[index]
        limits = np.iinfo(tensor.dtype)
        x = rng.integers(limits.min, limits.max + 1, (count, *tensor.shape))
        ends = np.where(x < 0, limits.min, limits.max)
        flat = [np.full_like(x[:1], end) for end in (limits.min, limits.max, 0)]
        batches.append(np.concatenate([x, ends, *flat]).astype(tensor.dtype))
    return batches


def differences(graph, smaller, run=reference.run):
    """In how many output bytes two networks differ, over the inputs of `inputs_of`."""
    inputs = inputs_of(graph)
    pairs = zip(run(graph, inputs), run(smaller, inputs), strict=True)
    return sum(int(np.sum(want != got)) for want, got in pairs)


def host(graph, inputs):
    return HostModel(graph).run(inputs)


def test_no_output_byte_of_random_networks_differs():
    seen: dict[str, int] = {}
    for seed in range(NETWORKS):
        graph = crippled(seed)
        result = optimize(graph)
        assert differences(graph, result.graph) == 0, seed
        if seed % 10 == 0:
            assert differences(graph, result.graph, host) == 0, seed
        assert result.macs_after <= result.macs_before
        assert result.weight_bytes_after <= result.weight_bytes_before
        for index, other in zip(graph.outputs, result.graph.outputs, strict=True):
            assert graph.tensors[index].shape == result.graph.tensors[other].shape
        for removal in result.removed:
            seen[removal.reason] = seen.get(removal.reason, 0) + max(1, len(removal.channels))
        seen["macs"] = seen.get("macs", 0) + result.macs_before - result.macs_after
    # That this proves something: every kind of removal happened, and often.
    assert min(seen[reason] for reason in ("constant", "unread", "padding")) > 30, seen


def test_every_byte_lies_in_its_interval():
    constant = stored = 0
    for seed in range(0, NETWORKS, 3):
        graph = crippled(seed)
        found = intervals.of(graph)
        for index, values in reference.trace(graph, inputs_of(graph)).items():
            assert np.all((found[index].low <= values) & (values <= found[index].high)), seed
            constant += int(found[index].constant_channels().sum())
        stored += constant_columns(optimize(graph).graph)
    # Constants that a border keeps from being folded are stored: that obstacle must have been met.
    assert constant > 200 and stored > 5, (constant, stored)


def constant_columns(graph):
    """How many constant channels convolutions still read."""
    found = intervals.of(graph)
    return sum(
        int(found[node.inputs[0]].constant_channels().sum())
        for node in graph.nodes
        if node.op == "conv" and node.inputs[0] not in graph.inputs
    )


def test_optimizing_twice_finds_nothing_new():
    for seed in range(20):
        once = optimize(crippled(seed)).graph
        again = optimize(once)
        assert again.macs_after == again.macs_before


def test_a_live_channel_declared_constant_is_seen():
    """The comparison above can fail: each of these lies shows in the outputs."""
    graph = two_convolutions()
    found = intervals.of(graph)
    for channel in range(8):
        low, high = (end.copy() for end in (found[1].low, found[1].high))
        low[..., channel] = high[..., channel] = 5
        lie = found | {1: intervals.Interval(low, high)}
        smaller, removed = channels.apply(graph, lie)
        assert removed == (Removal("first", "constant", (channel,)),)
        assert differences(graph, validate(smaller)) > 0


def two_convolutions(first=None, second=None):
    """3x3 with 8 channels, then 1x1 with 4; the outputs use their whole range."""
    rng = np.random.default_rng(7)
    tensors = [Tensor(n, s, "int8") for n, s in (("x", (1, 5, 5, 2)), ("y", (1, 5, 5, 8)))]
    border = ((1, 1), (1, 1))
    one, two = (
        Conv(
            rng.integers(-127, 128, shape).astype(np.int8),
            rng.integers(-900, 900, shape[0]).astype(np.int32),
            Requantization(
                np.full(shape[0], 1 << 30, np.int32), np.full(shape[0], right, np.int32)
            ),
            (1, 1),
            padding,
            3,
            -4,
            RANGE,
        )
        for shape, right, padding in (
            ((8, 3, 3, 2), -7, border),
            ((4, 1, 1, 8), -7, ((0, 0), (0, 0))),
        )
    )
    one = dataclasses.replace(one, **(first or {}))
    two = dataclasses.replace(two, **(second or {}))
    tensors.append(Tensor("z", (1, 5, 5, 4), "int8"))
    nodes = Node("first", "conv", one, (0,), (1,)), Node("second", "conv", two, (1,), (2,))
    return validate(Graph("two", tuple(tensors), nodes, (0,), (2,)))


def test_what_is_merely_seen_constant_stays():
    """A bias holds a channel at its clamp, but for inputs close to one; it is only listed."""
    original = two_convolutions().nodes[0].params
    bias = original.bias.copy()
    bias[3] = -131 * np.abs(original.weights[3].astype(int)).sum()
    graph = two_convolutions({"bias": bias})
    random = np.random.default_rng(0).integers(-128, 128, (50, 1, 5, 5, 2)).astype(np.int8)
    listed = seen_constant(graph, reference.trace(graph, [random]))
    assert [(row.node, row.channels) for row in listed] == [("first", (3,))]
    assert optimize(graph).graph is graph
    waking = random[:1].copy()
    waking[0, 0, 1:4, 1:4] = np.where(original.weights[3] > 0, 127, -128)
    both = np.concatenate([random, waking])
    assert seen_constant(graph, reference.trace(graph, [both])) == ()


def test_a_constant_goes_into_the_bias_or_stays_before_a_border():
    original = two_convolutions()
    weights = original.nodes[0].params.weights.copy()
    weights[2] = 0
    plain = two_convolutions({"weights": weights})
    result = optimize(plain)
    assert result.removed == (Removal("first", "constant", (2,)),)
    assert result.graph.tensors[1].shape == (1, 5, 5, 7)
    assert result.macs_before - result.macs_after == 25 * (18 + 4)
    assert result.weight_bytes_before - result.weight_bytes_after == 18 + 4 + 4
    bordered = two_convolutions(
        {"weights": weights},
        {
            "weights": np.ones((4, 3, 3, 8), np.int8),
            "padding": ((1, 1), (1, 1)),
            "output_zero_point": 1,
        },
    )
    assert optimize(bordered).graph is bordered
    same_as_border = intervals.of(bordered)[1].low[0, 0, 0, 2]
    folded = two_convolutions(
        {"weights": weights},
        fields_of(bordered.nodes[1].params, input_zero_point=int(same_as_border)),
    )
    assert optimize(folded).removed == (Removal("first", "constant", (2,)),)
    assert differences(folded, optimize(folded).graph) == 0


def fields_of(params, **changes):
    changed = dataclasses.replace(params, **changes)
    return {field.name: getattr(changed, field.name) for field in dataclasses.fields(changed)}


def requantize_by(shift, zero_in=0, zero_out=0, dtype="int8"):
    one = Requantization(np.array([1 << 30], np.int32), np.array([shift], np.int32))
    return Quantize(dtype, zero_out, requantization=one, input_zero_point=zero_in)


@pytest.mark.parametrize(
    ("steps", "gone"),
    [
        ((requantize_by(1, 5, 5),), {"q0": "identity"}),
        ((requantize_by(7, 0, 0, "int16"), requantize_by(-5)), {"q0": "unread", "q1": "identity"}),
        ((requantize_by(1, 5, 6), requantize_by(1, 6, 5)), {"q0": "fused"}),  # 127 saturates
        ((requantize_by(0), requantize_by(2)), {"q0": "fused"}),
        ((requantize_by(1, 0, 0, "int16"),), {}),  # the same numbers in another type
    ],
)
def test_requantizations_go_if_they_change_no_value(steps, gone):
    graph = Builder((1, 2, 2, 3))
    at = 0
    for params in steps:
        at = graph.add("quantize", params, at)
    end = graph.add("pad", Pad(((0, 0),) * 4, 0), at)
    nodes = [dataclasses.replace(n, name=f"q{i}") for i, n in enumerate(graph.nodes)]
    model = validate(Graph("q", tuple(graph.tensors), tuple(nodes), (0,), (end,)))
    result = optimize(model)
    assert {r.node: r.reason for r in result.removed} == gone
    assert differences(model, result.graph) == 0


def test_a_border_of_zero_points_becomes_padding():
    graph = Builder((1, 4, 5, 2))
    padded = graph.add("pad", Pad(((0, 0), (1, 0), (0, 2), (0, 0)), 3), 0)
    inner = two_convolutions().nodes[0].params
    for zero_point, reasons in ((3, ["padding"]), (4, [])):
        params = dataclasses.replace(inner, input_zero_point=zero_point)
        builder = Builder(graph.tensors[0].shape)
        builder.add("pad", graph.nodes[0].params, 0)
        end = builder.add("conv", params, padded)
        model = validate(Graph("p", tuple(builder.tensors), tuple(builder.nodes), (0,), (end,)))
        result = optimize(model)
        assert [r.reason for r in result.removed] == reasons
        assert differences(model, result.graph) == 0
    assert len(result.graph.nodes) == 2


def test_what_a_user_reads_stays():
    """An identity and a border are kept where they are outputs of the model."""
    graph = Builder((1, 4, 4, 2))
    same = graph.add("quantize", requantize_by(1, 5, 5), 0)
    padded = graph.add("pad", Pad(((0, 0), (1, 1), (1, 1), (0, 0)), 3), 0)
    end = graph.add("conv", two_convolutions().nodes[0].params, padded)
    tensors, nodes = tuple(graph.tensors), tuple(graph.nodes)
    model = validate(Graph("read", tensors, nodes, (0,), (same, padded, end)))
    result = optimize(model)
    assert result.removed == ()
    assert differences(model, result.graph) == 0


def test_state_is_anything_although_its_last_value_is_known():
    """It is read before it is written: in the first step it still has its reset value."""
    rng = np.random.default_rng(11)
    weights = rng.integers(-127, 128, (4, 4)).astype(np.int8)
    read = FullyConnected(**sums(rng, weights, 4, 4))
    write = dataclasses.replace(read, activation_range=(50, 50))
    shapes = {"x": None, "held": 0, "y": None}
    tensors = tuple(Tensor(n, (1, 4), "int8", reset_value=r) for n, r in shapes.items())
    nodes = (
        Node("read", "fully_connected", read, (1,), (2,)),
        Node("write", "fully_connected", write, (0,), (1,)),
    )
    model = validate(Graph("state", tensors, nodes, (0,), (2,)))
    assert differences(model, optimize(model).graph) == 0
    (steps,) = reference.run(model, inputs_of(model))
    assert np.any(steps[0] != steps[1])  # the reset value shows


def test_a_graph_without_anything_to_remove_comes_back_itself():
    graph = two_convolutions()
    result = optimize(graph)
    assert result.graph is graph and result.removed == ()


@pytest.mark.parametrize("name", ["kws_int8", "ic_int8", "ad_int8", "micro_speech"])
def test_dense_networks_of_the_shelf_gain_nothing(shared, name):
    graph = import_model(shared / f"models/{name}.tflite")
    result = optimize(graph)
    assert result.graph is graph and result.removed == ()
    assert result.macs_after == result.macs_before


def test_person_detect_loses_three_channels(shared):
    graph = import_model(shared / "models/person_detect.tflite")
    result = optimize(graph)
    assert [(r.reason, r.channels) for r in result.removed] == [
        ("constant", (7,)),
        ("constant", (7,)),
        ("unread", (141,)),
    ]
    assert (result.macs_before, result.macs_after) == (7_157_888, 7_077_246)
    assert result.weight_bytes_before - result.weight_bytes_after == 304
    assert differences(graph, result.graph, host) == 0
