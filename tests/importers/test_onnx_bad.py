"""Bad .onnx files end in one sentence: damage, what is not supported, and files out of place."""

# ruff: noqa: E402 (what follows needs an optional package)

import contextlib

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto

from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.importers import import_bytes, import_model
from support.onnx_files import File
from support.onnx_networks import quantized_by_hand


def one_conv(**attributes) -> File:
    file = File()
    x = file.dequantize(file.input("x", np.int8, (1, 2, 4, 4)), 0.1, np.int8(0))
    weights = file.weights(np.ones((2, 2, 3, 3), np.int8), 0.1)
    real = file.node("Conv", [x, weights], **attributes)
    file.output(file.quantize(real, 0.1, np.int8(0)), np.int8)
    return file


def test_every_truncation_is_a_sentence():
    raw = one_conv().bytes()
    whole = len(import_bytes(raw, "whole").nodes)
    read = 0
    for size in range(len(raw)):
        with contextlib.suppress(QembedError):
            assert len(import_bytes(raw[:size], "cut").nodes) == whole
            read += 1
    assert read <= 2  # what stands behind the graph can be done without


@pytest.mark.parametrize("profile", ["tflm", "onnxruntime"])
def test_random_damage_is_refused_or_harmless(profile):
    raw = one_conv().bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(1500):
        damaged = bytearray(raw)
        for at in rng.integers(1, len(raw), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        try:
            import_bytes(bytes(damaged), "damaged", profile)
        except QembedError as error:
            assert len(str(error)) < 5000
            refused += 1
    assert refused > 500


def test_random_damage_of_a_network():
    raw = quantized_by_hand(0)
    rng = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(raw)
        damaged[rng.integers(1, len(raw))] ^= 1 << rng.integers(0, 8)
        with contextlib.suppress(QembedError):
            import_bytes(bytes(damaged), "damaged")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"group": 3}, "do not fit"),
        ({"group": -1}, "do not fit"),
        ({"strides": [0, 1]}, "at least 1"),
        ({"strides": [1]}, "must have 2 numbers"),
        ({"dilations": [100000, 1]}, "above"),
        ({"pads": [-1, 0, 0, 0]}, "pads"),
        ({"pads": [1 << 40, 0, 0, 0]}, "padding"),
        ({"auto_pad": "SIDEWAYS"}, "auto_pad"),
    ],
)
def test_bad_attributes(attributes, words):
    with pytest.raises(QembedError, match=words):
        import_bytes(one_conv(**attributes).bytes(), "bad")


def test_everything_unsupported_is_listed_at_once():
    file = File()
    x = file.dequantize(file.input("x", np.int8, (1, 2, 4, 4)), 0.1, np.int8(0))
    one = file.quantize(file.node("Einsum", [x], equation="nchw->nchw"), 0.1, np.int8(0))
    other = file.quantize(file.node("Erf", [x]), 0.1, np.int8(0))
    file.output(file.node("Concat", [one, other], axis=1), np.int8)
    with pytest.raises(UnsupportedError) as caught:
        import_bytes(file.bytes(), "unsupported")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3  # what depends on them is not complained about
    assert "Einsum (node 1 computing 'einsum1_0')" in lines[1]
    assert "Erf (node 3 computing 'erf3_0')" in lines[2]


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales_that_are_none(scale):
    file = File()
    x = file.dequantize(file.input("x", np.int8, (1, 4)), scale, np.int8(0))
    file.output(file.quantize(x, 0.1, np.int8(0)), np.int8)
    with pytest.raises(ModelError, match="not a positive finite number"):
        import_bytes(file.bytes(), "scale")


def test_real_numbers_that_nothing_quantizes():
    file = File()
    x = file.dequantize(file.input("x", np.int8, (1, 4)), 0.1, np.int8(0))
    file.output(file.node("Sigmoid", [x]), np.float32)
    with pytest.raises(UnsupportedError, match="no QuantizeLinear follows"):
        import_bytes(file.bytes(), "open")


def test_a_network_of_real_numbers():
    file = File()
    x = file.input("x", np.float32, (1, 4))
    file.output(file.node("Sigmoid", [x]), np.float32)
    with pytest.raises(UnsupportedError, match="the model, which is not quantized"):
        import_bytes(file.bytes(), "real")


def test_sizes_that_are_open():
    file = File()
    x = file.input("x", np.int8, ("batch", 2, "height", 4))
    file.output(file.dequantize(x, 0.1, np.int8(0)), np.float32)
    with pytest.raises(UnsupportedError, match="a size that is not fixed"):
        import_bytes(file.bytes(), "open")


def test_old_and_unknown_operator_sets():
    for opset in (9, 999):
        with pytest.raises(UnsupportedError, match="operator set"):
            import_bytes(_of_opset(opset), "opset")


def _of_opset(opset: int) -> bytes:
    model = onnx.load_from_string(one_conv().bytes())
    model.opset_import[0].version = opset
    return model.SerializeToString()


def test_a_constant_that_would_fill_the_memory():
    file = File()
    shape = file.constant(np.array([1 << 20, 1 << 20, 1 << 20], np.int64))
    file.output(file.node("ConstantOfShape", [shape]), np.float32)
    with pytest.raises(UnsupportedError, match="a computed constant would have"):
        import_bytes(file.bytes(), "bomb")


def with_outside_weights(location: str, length: int = 36, offset: int = 0) -> bytes:
    model = onnx.load_from_string(one_conv().bytes())
    tensor = next(t for t in model.graph.initializer if list(t.dims) == [2, 2, 3, 3])
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", length), ("offset", offset)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return model.SerializeToString()


def saved(folder, raw: bytes):
    path = folder / "net.onnx"
    path.write_bytes(raw)
    return path


def test_tensors_in_another_file(tmp_path):
    (tmp_path / "weights.bin").write_bytes(bytes(8) + bytes(range(36)))
    graph = import_model(saved(tmp_path, with_outside_weights("weights.bin", offset=8)))
    (node,) = [node for node in graph.nodes if node.op == "conv"]
    assert sorted(node.params.weights.ravel()) == list(range(36))


@pytest.mark.parametrize(
    ("location", "length", "offset", "words"),
    [
        ("../secret.bin", 36, 0, "outside the model's folder"),
        ("/etc/hostname", 36, 0, "outside the model's folder"),
        ("link.bin", 36, 0, "outside the model's folder"),
        ("missing.bin", 36, 0, "needs 36 bytes"),
        ("weights.bin", 999, 0, "needs 36 bytes"),
        ("weights.bin", 36, 70, "needs 36 bytes"),
        ("weights.bin", 36, -1, "needs 36 bytes"),
        ("weights.bin", "many", 0, "its location is damaged"),
        ("\0", 36, 0, "cannot be read"),
    ],
)
def test_tensors_that_cannot_be_had(tmp_path, location, length, offset, words):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(100))
    (folder / "weights.bin").write_bytes(bytes(80))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    raw = with_outside_weights(location, length, offset)
    with pytest.raises(ModelError, match=words):
        import_model(saved(folder, raw))


def test_a_shape_that_its_bytes_do_not_fill():
    model = onnx.load_from_string(one_conv().bytes())
    tensor = next(t for t in model.graph.initializer if list(t.dims) == [2, 2, 3, 3])
    tensor.dims[0] = 1 << 40
    with pytest.raises(ModelError, match="the limit is"):
        import_bytes(model.SerializeToString(), "huge")
    tensor.dims[0] = 3
    with pytest.raises(ModelError, match="needs 54 bytes, the file has 36"):
        import_bytes(model.SerializeToString(), "short")


def test_without_the_package(monkeypatch):
    from qembed.errors import ToolError
    from qembed.importers.onnx import reader

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(reader.importlib, "import_module", missing)
    with pytest.raises(ToolError, match=r"qembed\[onnx\]"):
        import_bytes(one_conv().bytes(), "model")
