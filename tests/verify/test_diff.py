"""Who is right: profiles predict what other runtimes compute, and say where they depart."""

import numpy as np
import pytest

from qembed.backends import runtimes
from qembed.errors import ToolError, UnsupportedError
from qembed.verify.diff import compare
from support.tiny import conv_net

REAL = {
    # Runtime: samples of 600 with our bytes, largest difference, first layer to depart.
    "tflm": (600, 0, None),
    "litert-ref": (595, 2, "fully_connected"),
    "litert-xnnpack": (388, 22, "conv"),
}


def kws_inputs(shared):
    with np.load(shared / "data/kws01.npz") as data:
        return data["x"][:, None]


def test_the_shares_of_real_inputs_that_desktops_compute_alike(shared):
    """LiteRT gives other bytes on real words, with XNNPACK most of all; as its profiles predict."""
    rows = compare(shared / "models/kws_int8.tflite", [kws_inputs(shared)], against=list(REAL))
    assert [row.runtime for row in rows] == list(REAL)
    for row in rows:
        equal, largest, op = REAL[row.runtime]
        assert row.ran and row.predicted == row.samples == 600
        assert (row.equal, row.largest) == (equal, largest)
        assert [d.op for d in row.departures] == ([op] if op else [])


def test_the_first_layer_that_departs_is_named_with_the_reason(shared):
    (row,) = compare(
        shared / "models/kws_int8.tflite", [kws_inputs(shared)[:50]], against=["litert-xnnpack"]
    )
    (departure,) = row.departures
    assert (departure.layer, departure.op, departure.samples) == (0, "conv", 50)
    assert "float32" in departure.why and departure.largest == 1


@pytest.mark.parametrize("runtime", ["tflm", "litert-ref"])
def test_a_small_network_is_predicted(runtime, tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(conv_net().bytes())
    x = np.random.default_rng(0).uniform(-13, 13, (200, 1, 6, 5, 2)).astype(np.float32)
    (row,) = compare(path, [x], against=[runtime])
    assert row.ran and row.predicted == row.samples == 200


def test_a_runtime_that_is_not_here_is_stood_in_for(tmp_path, monkeypatch):
    def missing(*_):
        raise ToolError("LiteRT is not installed: pip install ai-edge-litert")

    monkeypatch.setattr(runtimes, "run", missing)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(conv_net().bytes())
    x = np.zeros((3, 1, 6, 5, 2), np.float32)
    (row,) = compare(path, [x], against=["litert-ref"])
    assert not row.ran and row.predicted is None
    assert row.note == "LiteRT is not installed: pip install ai-edge-litert"


def test_an_onnx_network_against_onnxruntime(tmp_path):
    """Its profile predicts every byte; the chip's arithmetic departs in a layer that is named."""
    pytest.importorskip("onnxruntime")
    from support.onnx_networks import images, quantized_by_hand

    path = tmp_path / "mobilenet.onnx"
    path.write_bytes(quantized_by_hand(0))
    (row,) = compare(path, [images(40)], against=["onnxruntime"])
    assert row.ran and row.predicted == row.samples == 40
    assert 0 < row.equal < 40 and row.largest <= 2
    assert row.departures[0].op == "conv" and "float32" in row.departures[0].why
    (same,) = compare(path, [images(40)], own="onnxruntime", against=["onnxruntime"])
    assert (same.equal, same.departures) == (40, ())
    with pytest.raises(UnsupportedError, match="does not read mobilenet"):
        compare(path, [images(1)], against=["litert-ref"])
