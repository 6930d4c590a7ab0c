"""import and info."""

import dataclasses
import json

import numpy as np
import pytest

from qembed import container
from qembed.importers import import_model
from qembed.ops import _accumulator


def test_info_tells_what_the_model_is(qembed, digits):
    graph = container.load(digits)
    document = qembed("info", digits, "--json").document
    assert document["hash"] == container.graph_hash(graph).hex()
    assert [row["op"] for row in document["layers"]] == [node.op for node in graph.nodes]
    assert document["macs"] == sum(row["macs"] for row in document["layers"]) == 72_512
    assert document["weight_count"] == 2_432
    assert document["samples"] == document["labels"] == 500
    assert document["target"] == "cortex-m4"
    assert document["arena_bytes"] >= document["arena_lower_bound"] >= 8 * 8 * 32 + 4 * 4 * 32


def test_headroom_is_that_of_the_worst_input(qembed, digits):
    """Reached: the input that makes the worst channel's sum largest is built and run."""
    graph = container.load(digits)
    row = qembed("info", digits, "--json").document["layers"][9]
    params = graph.nodes[9].params
    reach = _accumulator.bounds(params.weights, params.bias, params.input_zero_point, "int8")
    channel = int(np.maximum(reach.high, -reach.low - 1).argmax())
    towards = 1 if reach.high[channel] > -reach.low[channel] - 1 else -1
    x = np.where(towards * params.weights[channel] > 0, 127, -128).astype(np.int64)
    total = int((x - params.input_zero_point) @ params.weights[channel].astype(np.int64)) + int(
        params.bias[channel]
    )
    largest = total if total >= 0 else -total - 1
    assert largest << row["headroom_bits"] < 1 << 31 <= largest << (row["headroom_bits"] + 1)


def test_info_for_people(qembed, digits):
    text = qembed("info", digits).stdout
    for words in (
        "digits",
        "depthwise_conv",
        "8x8x16",
        "72,512 multiply-accumulates",
        "lower bound",
    ):
        assert words in text
    assert all(line == line.rstrip() and len(line) <= 120 for line in text.splitlines())


def test_foreign_names_are_shown_not_obeyed(qembed, digits, tmp_path):
    graph = container.load(digits)
    nodes = (dataclasses.replace(graph.nodes[0], name="[red]\x1b[2J\r"), *graph.nodes[1:])
    container.save(
        dataclasses.replace(graph, nodes=nodes, name="\x07\x1b]0;x\x07"), tmp_path / "m.npz"
    )
    text = qembed("info", "m.npz").stdout
    assert "[red]\\x1b[2J\\r" in text
    assert all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "neither a .tflite nor an .onnx model"),
        (b"PK\x03\x04 broken", "not an intact .npz"),
        (b"\x00\x00\x00\x00TFL3", ""),
        (b"\xff\xff\xff\x7fTFL3" + bytes(200), ""),
    ],
)
@pytest.mark.parametrize("command", [("info",), ("simulate",), ("export",)])
def test_bad_model_files(command, content, words, qembed, tmp_path):
    if content is not None:
        (tmp_path / "bad.bin").write_bytes(content)
    result = qembed(*command, "bad.bin")
    assert result.status == 3
    assert "bad.bin" in result.sentence and words in result.sentence.lower()


def test_import_writes_the_model(qembed, shared, tmp_path):
    source = shared / "models/kws_int8.tflite"
    result = qembed("import", source, "--json")
    assert result.status == 0 and "wrote kws_int8.npz" in result.stderr
    made = container.load(tmp_path / "kws_int8.npz")
    assert container.graph_hash(made) == container.graph_hash(import_model(source))
    assert result.document["model"]["hash"] == container.graph_hash(made).hex()
    assert made.source["file"] == "kws_int8.tflite"
    assert qembed("info", "--json").document["name"] == made.name


def test_import_refuses_everything_at_once_and_writes_nothing(qembed, shared, tmp_path):
    result = qembed("import", shared / "models/kws_float.tflite", "-o", "x.npz")
    assert result.status == 3 and result.stdout == ""
    first, *reasons = result.stderr.splitlines()
    assert first.startswith("qembed: ") and "kws_float.tflite" in first
    assert len(reasons) >= 10 and all(line.startswith("  ") for line in reasons)
    assert qembed("import", shared / "models/kws_int8.tflite", "-o", "no/such/x.npz").status == 3


def test_truncated_network(qembed, shared, tmp_path):
    raw = (shared / "models/kws_int8.tflite").read_bytes()
    for size in (8, 100, 5000, len(raw) - 3000):
        (tmp_path / "cut.tflite").write_bytes(raw[:size])
        result = qembed("import", "cut.tflite")
        assert result.status == 3 and "cut.tflite" in result.sentence


class Pickled:
    """Leaves a trace if anybody unpickles it."""

    def __reduce__(self):
        return (open, ("fired", "w"))


def hostile(document, arrays, kind):
    """Change a sound model file into one that must be refused."""
    if kind == "pickle":
        arrays["nodes.0.params.weights"] = np.array([Pickled()], dtype=object)
    if kind == "huge":
        document["tensors"][1]["shape"] = [1, 1 << 20, 1 << 20, 16]
    if kind == "overflow":
        document["tensors"][1]["shape"] = [1 << 32, 1 << 32]
    if kind == "cycle":
        document["nodes"][0]["inputs"] = [3]
    if kind == "dtype":
        arrays["nodes.0.params.bias"] = arrays["nodes.0.params.bias"].astype(np.float32)
    if kind == "outside":
        document["outputs"] = [1000]
    if kind == "sums":
        arrays["nodes.0.params.bias"] = np.full_like(arrays["nodes.0.params.bias"], 2**31 - 1)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("pickle", "never Python objects"),
        ("huge", "would take"),
        ("overflow", "would take"),
        ("cycle", "before it is written"),
        ("dtype", "is float32"),
        ("outside", "index 1000"),
        ("sums", "accumulator"),
    ],
)
@pytest.mark.parametrize("command", ["info", "simulate", "export"])
def test_hostile_models(command, kind, words, qembed, digits, tmp_path):
    with np.load(digits) as archive:
        arrays = dict(archive)
    document = json.loads(arrays.pop("manifest").item())
    hostile(document, arrays, kind)
    path = tmp_path / "bad.npz"
    np.savez(path, manifest=np.array(json.dumps(document)), **arrays, allow_pickle=True)
    result = qembed(command, path)
    assert result.status == 3
    assert "bad.npz" in result.sentence and words in result.sentence
    assert not (tmp_path / "fired").exists()
