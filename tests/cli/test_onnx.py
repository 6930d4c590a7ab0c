"""Where a .tflite file goes, an .onnx file goes."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from support.onnx_networks import images, quantized_by_hand


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(quantized_by_hand(0))
    return path


def test_info_simulate_and_diff(qembed, network, tmp_path):
    assert "depthwise_conv" in qembed("info", network).stdout
    np.savez(tmp_path / "x.npz", x=images(3))
    assert qembed("simulate", network, "-i", tmp_path / "x.npz").status == 0
    result = qembed("diff", network, "--samples", 10)
    assert result.status == 1 and "onnxruntime" in result.stdout and "tflm " not in result.stdout


def test_import_and_export(qembed, network, tmp_path):
    model = tmp_path / "net.npz"
    assert qembed("import", network, "-o", model, "--profile", "onnxruntime").status == 0
    refused = qembed("export", model, "-o", tmp_path / "c")
    assert refused.status == 3 and "desktop runtime" in refused.stderr
    assert not (tmp_path / "c").exists()
    assert qembed("export", network, "-o", tmp_path / "c").status == 0


def test_the_profile_is_of_onnx_files(qembed, tmp_path):
    from support.tiny import conv_net

    path = tmp_path / "tiny.tflite"
    path.write_bytes(conv_net().bytes())
    result = qembed("import", path, "--profile", "onnxruntime")
    assert result.status == 3 and "for .onnx models" in result.stderr
