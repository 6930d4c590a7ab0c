"""Networks of real numbers as .onnx: the float graph computes what ONNX Runtime computes."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from qembed.errors import UnsupportedError
from qembed.floats.executor import run
from qembed.importers import import_float_model
from support import onnx_files
from support.onnx_files import File
from support.onnx_networks import images, quantized_by_hand, real_network


def imported(folder, raw: bytes):
    path = folder / "net.onnx"
    path.write_bytes(raw)
    return import_float_model(path)


def compare(folder, raw: bytes, inputs, tolerance=1e-4):
    graph = imported(folder, raw)
    theirs, ours = onnx_files.run(raw, inputs), run(graph, inputs)
    for one, other in zip(ours, theirs, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other.reshape(one.shape), atol=tolerance * scale)
    return graph


def test_a_mobilenet(tmp_path):
    raw = real_network(0).SerializeToString()
    graph = compare(tmp_path, raw, [images(20)])
    assert [node.op for node in graph.nodes].count("transpose") == 1


def test_batch_normalization_is_folded(tmp_path):
    rng = np.random.default_rng(0)
    file = File(17)
    x = file.input("x", np.float32, (1, 4, 7, 5))
    for group in (1, 4):
        weights = file.constant(rng.normal(size=(4, 4 // group, 3, 3)).astype(np.float32))
        x = file.node("Conv", [x, weights], group=group, pads=[1, 0, 0, 2])
        numbers = [rng.uniform(0.5, 2, 4) for _ in range(4)]
        names = [file.constant(n.astype(np.float32)) for n in numbers]
        x = file.node("Relu", [file.node("BatchNormalization", [x, *names])])
    file.output(x, np.float32)
    inputs = [rng.normal(size=(5, 1, 4, 7, 5)).astype(np.float32)]
    graph = compare(tmp_path, file.bytes(), inputs)
    assert {node.op for node in graph.nodes} <= {"transpose", "conv", "depthwise_conv"}


def test_a_graph_of_many_operators(tmp_path):
    rng = np.random.default_rng(1)
    file = File(17)
    constant = lambda *shape: file.constant(rng.normal(size=shape).astype(np.float32))  # noqa: E731
    x = file.input("x", np.float32, (1, 3, 12, 10))
    a = file.node(
        "Conv", [x, constant(6, 3, 3, 3), constant(6)], strides=[2, 1], auto_pad="SAME_UPPER"
    )
    b = file.node("MaxPool", [a], kernel_shape=[2, 2], strides=[2, 2])
    c = file.node("AveragePool", [a], kernel_shape=[2, 2], strides=[2, 2])
    d = file.node("Concat", [file.node("Sigmoid", [b]), file.node("Tanh", [c])], axis=1)
    e = file.node("ConvTranspose", [d, constant(12, 4, 2, 2)], strides=[2, 2])
    f = file.node("Mul", [e, file.node("HardSwish", [e])])
    g = file.node("ReduceMean", [f], axes=[2, 3], keepdims=0)
    h = file.node("Gemm", [g, constant(5, 4), constant(5)], transB=1)
    flat = file.node("MatMul", [file.node("Flatten", [d]), constant(180, 5)])
    file.output(file.node("Softmax", [file.node("Add", [h, flat])]), np.float32)
    inputs = [rng.normal(size=(5, 1, 3, 12, 10)).astype(np.float32)]
    compare(tmp_path, file.bytes(), inputs)


def test_a_quantized_network_is_not_one(tmp_path):
    with pytest.raises(UnsupportedError, match="quantized already"):
        imported(tmp_path, quantized_by_hand(0))


@pytest.mark.parametrize(
    ("how", "rounding", "scale", "known"),
    [
        ("asymmetric", "floor", 2.0, True),
        ("half_pixel", "round_prefer_floor", 3.0, True),
        ("align_corners", "round_prefer_ceil", 2.0, True),
        ("asymmetric", "ceil", 2.0, False),
        ("half_pixel", "round_prefer_floor", 1.5, False),
    ],
)
def test_nearest_pixels(tmp_path, how, rounding, scale, known):
    file = File(17)
    x = file.input("x", np.float32, (1, 2, 4, 6))
    scales = file.constant(np.float32([1, 1, scale, scale]))
    options = {"coordinate_transformation_mode": how, "nearest_mode": rounding}
    file.output(file.node("Resize", [x, "", scales], mode="nearest", **options), np.float32)
    inputs = [np.random.default_rng(0).normal(size=(2, 1, 2, 4, 6)).astype(np.float32)]
    if known:
        compare(tmp_path, file.bytes(), inputs, 0.0)
        return
    with pytest.raises(UnsupportedError, match="nearest pixels"):
        imported(tmp_path, file.bytes())
