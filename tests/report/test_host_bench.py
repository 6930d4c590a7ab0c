"""bench --host: what it measures, what it leaves out by name, and what ONNX Runtime is given."""

import json

import numpy as np
import pytest

from qembed import api, container
from qembed.backends import peers
from qembed.backends.host import HostModel
from qembed.backends.onnx_peer import onnx_bytes
from qembed.cli import run
from qembed.dataset import random_dataset
from qembed.errors import InputError, ToolError
from qembed.importers import import_model
from qembed.report import host_bench


@pytest.fixture
def digits():
    return container.load(api.example())


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(host_bench, "SECONDS", 1e-4)
    monkeypatch.setattr(host_bench, "BATCHES", (1, 16, 256))


def test_layers_and_shares_add_up(digits, hurried):
    bench = host_bench.bench_host(digits, rounds=2)
    assert [layer.op for layer in bench.layers] == [node.op for node in digits.nodes]
    for layer, node in zip(bench.layers, digits.nodes, strict=True):
        macs = host_bench.macs_of(digits, node)
        assert (layer.gmacs is None) == (macs == 0)
        if macs:
            assert layer.gmacs == pytest.approx(macs / layer.microseconds / 1e3)
            assert bench.peak is None or layer.share == pytest.approx(layer.gmacs / bench.peak)
    ours = [row for row in bench.contenders if row.name == host_bench.OURS]
    assert [row.batch for row in ours] == [1, 16, 256]
    assert all(row.microseconds * row.gmacs * 1e3 == pytest.approx(bench.macs) for row in ours)
    assert bench.skipped.keys() >= {"LiteRT", "LiteRT reference", "tflite-micro"}
    assert bench.skipped["LiteRT"] == "the model is no .tflite file"


def test_a_peer_that_is_missing_is_left_out_by_name(digits, hurried, monkeypatch):
    def missing(*arguments):
        raise ImportError("gone", name="onnxruntime")

    monkeypatch.setattr(peers, "onnx_runtime", missing)
    bench = host_bench.bench_host(digits, rounds=1)
    assert bench.skipped["ONNX Runtime"] == "Python package onnxruntime is not installed"
    assert bench.ratios == ()


def test_the_command_prints_one_object(hurried, shared, capsys):
    model = str(shared / "models/kws_int8.tflite")
    assert run(["bench", model, "--host", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    names = {row["name"] for row in document["contenders"]}
    assert names | set(document["skipped"]) >= {host_bench.OURS, *peers.PEERS}
    assert run(["bench", model, "--host"]) == 0
    assert "x tflite-micro" in capsys.readouterr().out


def test_state_makes_no_batch():
    from backends.test_host import counter

    with pytest.raises(InputError, match="state"):
        host_bench.bench_host(counter())


@pytest.mark.parametrize("name", ["kws_int8", "ic_int8", "ad_int8", "person_detect"])
def test_onnx_runtime_is_given_the_same_network(name, shared):
    pytest.importorskip("onnxruntime")
    path = shared / "models" / f"{name}.tflite"
    graph, as_desktops_round = import_model(path), import_model(path, "litert-xnnpack")
    (x,) = random_dataset(graph, 64).sources
    ours = HostModel(as_desktops_round).run(x)[0]
    theirs = (peers.onnx_runtime(graph, x)()[0] ^ 0x80).view(np.int8).reshape(ours.shape)
    steps = np.abs(ours.astype(int) - theirs)
    if any(node.op == "add" for node in graph.nodes):  # which the two desktops round differently
        assert np.mean(steps) < 1
    else:
        assert np.all(steps == 0)


def test_what_is_not_written_for_it_is_named():
    from backends.test_host import counter

    with pytest.raises(ToolError, match="state"):
        onnx_bytes(counter())
