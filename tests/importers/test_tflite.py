import time

import numpy as np
import pytest
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as published

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.importers import import_bytes, import_model
from qembed.importers.tflite.ops.mean import divided
from qembed.ops import _accumulator
from qembed.tflite import schema
from qembed.tflite.reader import parse
from support.tflite_writer import Writer
from support.tflm import Interpreter
from support.tiny import conv_net, moves_net

SECONDS_A_FILE = 2.0


def test_a_whole_network_with_real_edges_equals_tflm():
    raw = conv_net().bytes()
    image = np.random.default_rng(2).uniform(-12, 12, (20, 1, 6, 5, 2)).astype(np.float32)
    (ours,) = reference.run(import_bytes(raw, "net"), [image])
    (theirs,) = Interpreter(raw).run([image])
    assert ours.tobytes() == theirs.tobytes()


def test_another_network_equals_tflm():
    raw = moves_net().bytes()
    images = np.random.default_rng(3).integers(-128, 128, (20, 1, 4, 4, 2)).astype(np.int8)
    (ours,) = reference.run(import_bytes(raw, "net"), [images])
    (theirs,) = Interpreter(raw).run([images])
    assert ours.tobytes() == theirs.tobytes()


def test_the_graph_says_where_it_came_from(tmp_path):
    path = tmp_path / "net.bin"
    path.write_bytes(conv_net().bytes())
    graph = import_model(path)
    assert graph.name == "net" and graph.profile == "tflm"
    assert graph.source["file"] == "net.bin" and len(graph.source["sha256"]) == 64
    assert [node.op for node in graph.nodes] == [
        *("quantize", "conv", "depthwise_conv", "add", "max_pool", "mean"),
        *("fully_connected", "softmax", "dequantize"),
    ]


def test_nodes_with_the_same_name_are_told_apart():
    graph = import_bytes(conv_net(a={"name": "same"}, b={"name": "same"}).bytes(), "net")
    assert [node.name for node in graph.nodes][1:3] == ["same", "same#2"]


def test_a_dynamic_batch_becomes_one_sample():
    writer = conv_net()
    for tensor in writer.graph.tensors:
        if tensor.shape[:1] == [1]:
            tensor.shapeSignature = [-1, *tensor.shape[1:]]
    graph = import_bytes(writer.bytes(), "net")
    assert graph.tensors[graph.inputs[0]].shape == (1, 6, 5, 2)


def test_recipes_differ_where_tflm_changed():
    """One weight scale: the older recipe rounds the product of scales to float32."""
    writer = Writer()
    x = writer.input((1, 4), "int8", 0.1)
    w = writer.constant(np.ones((2, 4), np.int8), scale=0.3)
    writer.operator("FULLY_CONNECTED", [x, w], [writer.output((1, 2), "int8", 0.7)])
    multipliers = {
        int(import_bytes(writer.bytes(), "m", profile).nodes[0].params.requantization.multiplier[0])
        for profile in ("tflm", "tflm-2026-10-08")
    }
    assert len(multipliers) == 2


def test_single_rounding_reaches_the_nodes():
    graph = import_bytes(conv_net().bytes(), "net", "tflm-single")
    assert graph.profile == "tflm-single"
    assert {n.params.requantization.rounding for n in graph.nodes if n.op == "conv"} == {"single"}


def test_a_zero_point_of_fully_connected_weights_is_folded():
    data = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    writer = conv_net(u={"data": data, "zero_point": 2})
    graph = import_bytes(writer.bytes(), "net")
    (node,) = [node for node in graph.nodes if node.op == "fully_connected"]
    assert np.array_equal(node.params.weights, data - 2)


def test_a_single_scale_makes_the_axis_meaningless():
    assert import_bytes(conv_net(w={"scale": 0.01, "axis": 3}).bytes(), "net")


REFUSED = {
    "scale 0": ({"w": {"scale": [0.0, 1, 1, 1]}}, ModelError, "'w'.*channel 0"),
    "scale nan": ({"a": {"scale": float("nan")}}, ModelError, "'a'.*nan"),
    "scale inf": ({"u": {"scale": float("inf")}}, ModelError, "'u'.*inf"),
    "scale negative": ({"x": {"scale": -1.0}}, ModelError, "'x'"),
    "number of scales": ({"w": {"scale": [0.1, 0.1]}}, ModelError, "2 scales for 4"),
    "axis": ({"w": {"axis": 3}}, UnsupportedError, "axis 3, must be 0"),
    "axis far away": ({"v": {"axis": 77}}, UnsupportedError, "axis 77"),
    "zero point of weights": ({"w": {"zero_point": 1}}, UnsupportedError, "'w'.*zero point"),
    "zero point outside": ({"x": {"zero_point": 300}}, ModelError, "300"),
    "activation per channel": ({"x": {"scale": [0.1, 0.1]}}, UnsupportedError, "2 scales"),
    "no scale": ({"x": {"scale": None}}, UnsupportedError, "0 scales"),
    "tied scales": ({"d": {"scale": 0.7}}, ModelError, "same scale and zero"),
    "tied zero points": ({"d": {"zero_point": 1}}, ModelError, "same scale and zero"),
    "softmax output": ({"g": {"scale": 0.01}}, ModelError, "must have scale 0.00390625"),
    "overflow": (
        {"u": {"data": np.full((3, 1 << 17), 127, np.int8)}, "e": {"scale": 1.0}},
        ModelError,
        "do not fit",
    ),
    "add multiplier": ({"c": {"scale": 1e-9}}, ModelError, r"must be in \[0, 1\)"),
    "conv multiplier": ({"b": {"scale": 1e-30}}, ModelError, "channel 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_sound_is_refused_with_the_tensor(name):
    changes, kind, pattern = REFUSED[name]
    with pytest.raises(kind, match=pattern):
        import_bytes(conv_net(**changes).bytes(), "net")


def test_everything_unsupported_is_listed_at_once():
    writer = Writer()
    x = writer.input((1, 4), "float32")
    y = writer.tensor((1, 4), "float32", name="first")
    z = writer.output((1, 4), "float32", name="second")
    writer.operator("COS", [x], [y])
    writer.operator("SOFTMAX", [y], [z])
    with pytest.raises(UnsupportedError) as caught:
        import_bytes(writer.bytes(), "net")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "COS" in lines[1] and "'first'" in lines[1]
    assert "SOFTMAX" in lines[2] and "must be int8" in lines[2]


def test_an_accumulator_that_can_overflow_is_refused_and_named():
    taps = (1 << 31) // (127 * 255) + 1
    writer = Writer()
    x = writer.input((1, taps), "int8", 1.0, -128)
    data = np.zeros((2, taps), np.int8)
    data[1] = 127
    operands = [x, writer.constant(data, scale=1.0)]
    writer.operator("FULLY_CONNECTED", operands, [writer.output((1, 2), "int8", 1e6)])
    with pytest.raises(ModelError, match="channel 1 can reach 0 to 2147"):
        import_bytes(writer.bytes(), "net")


def test_bounds_of_an_accumulator_are_reached():
    rng = np.random.default_rng(3)
    weights = rng.integers(-128, 128, (3, 5)).astype(np.int8)
    bias = rng.integers(-999, 999, 3).astype(np.int32)
    reach = _accumulator.bounds(weights, bias, 17, "int8")
    for channel, row in enumerate(weights.astype(np.int64)):
        best = np.where(row > 0, 127, -128) - 17
        worst = np.where(row > 0, -128, 127) - 17
        assert row @ best + bias[channel] == reach.high[channel]
        assert row @ worst + bias[channel] == reach.low[channel]
    largest = max(np.abs(reach.high).max(), np.abs(reach.low).max())
    assert largest << reach.headroom_bits < 1 << 31 <= largest << (reach.headroom_bits + 1)


OTHER_NAMES = {
    "activation": "fusedactivationfunction",
    "dilation_h": "dilationhfactor",
    "dilation_w": "dilationwfactor",
    "filter_h": "filterheight",
    "filter_w": "filterwidth",
}


def test_the_multiplier_of_a_mean_is_cut_and_not_normalized():
    by = Requantization(np.array([1 << 30], np.int32), np.array([0], np.int32))
    third = divided(by, 3)
    assert (third.multiplier[0], third.shift[0]) == ((1 << 31) // 3, -1)


def test_option_tables_agree_with_the_published_schema():
    """Write every option with a value of its own through the published code, and read it back."""
    names = {
        int(value): name
        for name, value in vars(published.BuiltinOptions).items()
        if isinstance(value, int)
    }
    for code, (number, fields) in schema.OPTIONS.items():
        table = getattr(published, names[number] + "T")()
        attributes = {name.lower(): name for name in vars(table)}
        want = {}
        for place, field in enumerate(fields):
            attribute = attributes[OTHER_NAMES.get(field.name, field.name.replace("_", ""))]
            value = {"s": f"text {place}", "[i": (place, 7), "f": place + 0.5, "B": 1}.get(
                field.form, 1 if field.names else place + 3
            )
            setattr(table, attribute, list(value) if field.form == "[i" else value)
            want[field.name] = field.names[1] if field.names else value
        writer = Writer()
        x = writer.input((1,), "int8", 1.0)
        writer.operator("COS", [x], [writer.output((1,), "int8", 1.0)])
        op = writer.graph.operators[0]
        op.opcodeIndex = writer._code(code)
        op.builtinOptions, op.builtinOptionsType = table, number
        (read,) = parse(writer.bytes()).subgraphs[0].operators
        assert read.code == code
        assert dict(read.options) == want


def test_names_agree_with_the_published_schema():
    for table, ours in ((published.BuiltinOperator, schema.OPERATORS),):
        theirs = {n: v for n, v in vars(table).items() if isinstance(v, int)}
        assert {name: place for place, name in enumerate(ours)} == theirs
    types = {n.lower(): v for n, v in vars(published.TensorType).items() if isinstance(v, int)}
    assert {name: place for place, name in enumerate(schema.TYPES)} == types


# Hostile files: each ends in a Graph or in one QembedError, soon.


def outcome(raw: bytes) -> str:
    start = time.process_time()
    try:
        import_bytes(raw, "hostile")
        result = "graph"
    except QembedError as error:
        result = type(error).__name__
    assert time.process_time() - start < SECONDS_A_FILE
    return result


@pytest.mark.parametrize("raw", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\xff" * 4 + b"TFL3", b"PK" * 50])
def test_no_model_at_all(raw):
    assert outcome(raw) != "graph"


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "absent.tflite", tmp_path / "a\0b"):
        with pytest.raises(ModelError, match="cannot be read"):
            import_model(path)


def test_an_unknown_profile_is_refused():
    with pytest.raises(UnsupportedError, match=r"'tflm-1999'.*tflm, "):
        import_bytes(conv_net().bytes(), "net", "tflm-1999")


def test_every_truncation():
    raw = conv_net().bytes()
    for length in range(8, len(raw) - 64, 3):
        assert outcome(raw[:length]) != "graph"


def mutated(raw: bytes, rng: np.random.Generator) -> bytes:
    """Flip bits, overwrite words with telling numbers, copy pieces, cut."""
    data = np.frombuffer(raw, np.uint8).copy()
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(8, data.size - 8))
        kind = int(rng.integers(4))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = rng.integers(256)
        elif kind == 2:
            word = rng.choice([0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, data.size])
            at &= ~3
            data[at : at + 4] = np.frombuffer(np.uint32(word).tobytes(), np.uint8)
        else:
            source = int(rng.integers(8, data.size - 8))
            data[at : at + 8] = data[source : source + 8]
    return data[: rng.integers(8, data.size)].tobytes() if rng.random() < 0.1 else data.tobytes()


@pytest.mark.parametrize("net", [conv_net, moves_net])
def test_mutations(net):
    raw = net().bytes()
    rng = np.random.default_rng(4)
    outcomes = [outcome(mutated(raw, rng)) for _ in range(2000)]
    assert set(outcomes) == {"graph", "ModelError", "UnsupportedError"}


@pytest.mark.parametrize("name", ["hello_world_int8", "micro_speech", "kws_int8", "okay_nabu"])
def test_mutations_of_real_files(shared, name):
    raw = (shared / f"models/{name}.tflite").read_bytes()
    rng = np.random.default_rng(5)
    # The structure, at both ends of such files; the middle is weights.
    for _ in range(120):
        outcome(mutated(raw, rng))
        head = mutated(raw[:2000], rng)
        outcome(head + raw[len(head) :])
        tail = mutated(raw[-4000:], rng)
        outcome(raw[:-4000] + tail)


def test_a_graph_that_refers_to_itself_ends():
    """The vector of subgraphs leads back to the model table, thousands of times."""
    writer = Writer()
    raw = bytearray(writer.bytes())
    count = 20_000
    at = len(raw)
    root = int.from_bytes(raw[:4], "little")
    vector = count.to_bytes(4, "little") + b"".join(
        ((root - (at + 4 + 4 * i)) & 0xFFFFFFFF).to_bytes(4, "little") for i in range(count)
    )
    vtable = root - int.from_bytes(raw[root : root + 4], "little", signed=True)
    slot = root + int.from_bytes(raw[vtable + 8 : vtable + 10], "little")
    raw[slot : slot + 4] = (at - slot).to_bytes(4, "little")
    assert outcome(bytes(raw + vector)) == "ModelError"


def test_constants_used_again_and_again_are_refused():
    writer = Writer()
    x = writer.input((1, 1000), "int8", 0.1)
    w = writer.constant(np.ones((1000, 1000), np.int8), scale=0.01)
    for _ in range(100):
        y = writer.tensor((1, 1000), "int8", 1.0)
        writer.operator("FULLY_CONNECTED", [x, w], [y])
    writer.graph.outputs.append(y)
    assert outcome(writer.bytes()) == "ModelError"


def test_a_network_of_real_numbers_is_told_from_one_with_strange_operators(shared):
    with pytest.raises(UnsupportedError, match="which is not quantized:"):
        import_model(shared / "models/kws_float.tflite")
