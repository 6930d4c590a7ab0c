"""qembed export --format tflite: the same network for other runtimes."""

from dataclasses import replace

import numpy as np
import pytest

from qembed import container
from qembed.backends.host import HostModel
from qembed.dataset import blocks, random_dataset
from qembed.importers import import_bytes, import_model
from qembed.quantize import Settings, quantize
from support.float_networks import residual, samples
from support.tflite_writer import Writer
from support.tflm import Interpreter
from support.tiny import conv_net


def runs_alike(graph, raw):
    inputs = next(blocks(random_dataset(graph, 20), 20))
    for ours, theirs in zip(
        HostModel(graph).run(inputs), Interpreter(raw).run(inputs), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


def test_the_bundled_model(qembed, digits, tmp_path):
    done = qembed("export", digits, "--format", "tflite", "-o", "d.tflite", "--json")
    raw = (tmp_path / "d.tflite").read_bytes()
    assert done.document["bytes"] == len(raw)
    runs_alike(container.load(digits), raw)


def test_an_imported_network(qembed, tmp_path):
    raw = conv_net().bytes()
    (tmp_path / "net.tflite").write_bytes(raw)
    qembed("export", "net.tflite", "--format", "tflite", "-o", "out.tflite")
    runs_alike(import_bytes(raw, "net"), (tmp_path / "out.tflite").read_bytes())


@pytest.mark.parametrize("method", ["int8", "int16x8", "int4"])
def test_what_was_quantized_here(qembed, tmp_path, method):
    graph = quantize(residual(), [samples(16)], Settings(method)).graph
    container.save(graph, tmp_path / "q.npz")
    assert qembed("export", "q.npz", "--format", "tflite").status == 0
    runs_alike(graph, (tmp_path / "net.tflite").read_bytes())


def test_real_networks_come_back_as_they_were(qembed, shared, tmp_path):
    for name in ("kws_int8", "ic_int8", "ad_int8", "person_detect", "micro_speech"):
        path = shared / "models" / f"{name}.tflite"
        assert qembed("export", path, "--format", "tflite", "-o", "out.tflite").status == 0
        before, after = import_model(path), import_model(tmp_path / "out.tflite")
        assert container.graph_hash(before) == container.graph_hash(after)


def test_what_cannot_be_stated_is_listed_and_not_written(qembed, tmp_path):
    w = Writer()
    x = w.input((1, 4), "int8", 0.05)
    w.operator("LOGISTIC", [x], [w.output((1, 4), "int8", 1 / 256, -128, name="y")])
    (tmp_path / "net.tflite").write_bytes(w.bytes())
    done = qembed("export", "net.tflite", "--format", "tflite", "-o", "out.tflite")
    assert done.status == 3 and "y (lookup)" in done.stderr


def test_another_network_is_never_written(qembed, digits, tmp_path):
    """A scale that only explains, changed: the file would mean other multipliers."""
    graph = container.load(digits)
    nodes = list(graph.nodes)
    params = nodes[0].params
    nodes[0] = replace(nodes[0], params=replace(params, weight_scale=params.weight_scale * 2))
    container.save(replace(graph, nodes=tuple(nodes)), tmp_path / "odd.npz")
    done = qembed("export", "odd.npz", "--format", "tflite", "-o", "out.tflite")
    assert done.status == 3 and "another network" in done.sentence


def test_no_board_with_it(qembed, digits):
    done = qembed("export", digits, "--format", "tflite", "--board", "mps2-an386")
    assert done.status == 2 and "without --board" in done.sentence
