import shutil

import numpy as np
import pytest

from qembed import container
from qembed.arithmetic import requantization
from qembed.importers import import_model
from qembed.ir import Graph, Node, Quantization, Tensor
from qembed.ops.average_pool import AveragePool
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.reshape import Reshape
from qembed.validate import validate


@pytest.fixture
def kws(shared, tmp_path):
    """The model and twenty of its real inputs."""
    shutil.copy(shared / "models/kws_int8.tflite", tmp_path / "kws.tflite")
    data = np.load(shared / "data/kws01.npz")
    np.savez(tmp_path / "x.npz", x=data["x"][:20], y=data["y"][:20])
    return tmp_path


def test_both_modes(qembed, kws):
    result = qembed(
        "mlperf", kws / "kws.tflite", "--board", "native", "-i", kws / "x.npz",
        "--seconds", "0.05", "--json",
    )  # fmt: skip
    assert result.status == 0
    found = result.document
    assert found["profile"]["model"] == "kws01"
    assert found["accuracy"]["samples"] == found["accuracy"]["as_on_desk"] == 20
    assert 15 <= found["accuracy"]["correct"] <= 20
    assert len(found["performance"]["throughputs"]) == 5


def vww():
    """A small network with the sizes of the visual wake words benchmark."""
    rng = np.random.default_rng(3)
    window = AveragePool((32, 32), (32, 32), ((0, 0), (0, 0)), (-128, 127))
    weights = rng.integers(-127, 128, (2, 27)).astype(np.int8)
    scores = FullyConnected(
        weights, np.array([900, -900], np.int32), requantization(np.array([0.01]), "double"),
        input_zero_point=-1, output_zero_point=0, activation_range=(-128, 127),
    )  # fmt: skip
    by = Quantization(1 / 256, -1)
    tensors = (
        Tensor("image", (1, 96, 96, 3), "int8", by),
        Tensor("mean", (1, 3, 3, 3), "int8", by),
        Tensor("flat", (1, 27), "int8", by),
        Tensor("scores", (1, 2), "int8", Quantization(1 / 256, 0)),
    )
    nodes = (
        Node("mean", "average_pool", window, (0,), (1,)),
        Node("flat", "reshape", Reshape((1, 27)), (1,), (2,)),
        Node("scores", "fully_connected", scores, (2,), (3,)),
    )
    return validate(Graph("vww", tensors, nodes, (0,), (3,)))


@pytest.mark.parametrize(
    ("network", "model_id"), [("ic_int8", "ic01"), ("ad_int8", "ad01"), ("vww", "vww01")]
)
def test_every_benchmark_prints_the_desk_s_results(network, model_id, qembed, shared, tmp_path):
    graph = vww() if network == "vww" else import_model(shared / f"models/{network}.tflite")
    container.save(graph, tmp_path / "m.npz")
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = np.random.default_rng(1).integers(-128, 128, (4, *shape)).astype(np.int8)
    np.save(tmp_path / "x.npy", inputs)
    result = qembed(
        "mlperf", "m.npz", "--board", "native", "-i", "x.npy", "--mode", "accuracy", "--json"
    )
    assert result.status == 0
    assert result.document["profile"]["model"] == model_id
    assert result.document["accuracy"]["as_on_desk"] == 4


def test_a_model_of_no_benchmark(qembed, digits):
    result = qembed("mlperf", digits, "--board", "native")
    assert result.status == 3
    assert "no model of MLPerf Tiny" in result.sentence


def test_where_must_be_said(qembed, digits):
    assert qembed("mlperf", digits).status == 2
    assert qembed("mlperf", digits, "--port", "x", "--board", "native").status == 2


def test_an_export_that_answers_the_runner(qembed, kws):
    result = qembed(
        "export", kws / "kws.tflite", "--board", "native", "--mlperf", "-o", kws / "out"
    )
    assert result.status == 0
    assert (kws / "out/runtime/qe_mlperf.c").exists()
    assert qembed("export", kws / "kws.tflite", "--mlperf", "-o", kws / "o2").status == 2
