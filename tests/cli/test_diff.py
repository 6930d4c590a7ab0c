"""qembed diff."""

import pytest

from support.tiny import conv_net


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(conv_net().bytes())
    return path


def test_every_runtime_is_told(qembed, tiny):
    result = qembed("diff", tiny, "--samples", 20)
    for runtime in ("tflm", "litert-ref", "litert-xnnpack"):
        assert runtime in result.stdout


def test_its_document(qembed, tiny):
    result = qembed("diff", tiny, "--against", "tflm", "--samples", 20, "--json")
    assert result.status == 0
    (row,) = result.document["comparisons"]
    assert (row["runtime"], row["samples"], row["equal"]) == ("tflm", 20, 20)


def test_a_difference_has_an_exit_status(qembed, shared):
    network, words = shared / "models/kws_int8.tflite", shared / "data/kws01.npz"
    against = ["--against", "litert-xnnpack", "--samples", 30]
    result = qembed("diff", network, *against, "-i", words)
    assert result.status == 1 and "conv multiplies in float32" in result.stdout


def test_an_unknown_runtime_is_refused(qembed, tiny):
    result = qembed("diff", tiny, "--against", "tflm,tensorrt")
    assert result.status != 0 and "'tensorrt' is none of tflm" in result.stderr
