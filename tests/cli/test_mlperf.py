import shutil

import numpy as np
import pytest


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
