"""The bundled network and the script that made it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qembed import container
from qembed.backends import reference

ROOT = Path(__file__).parents[2]


def accuracy(graph):
    (classes,) = reference.run(graph, graph.samples.inputs)
    return np.mean(classes[:, 0].argmax(1) == graph.samples.labels)


def test_bundled_network_recognizes_the_test_digits():
    graph = container.load(ROOT / "qembed/data/digits.npz")
    assert len(graph.samples.labels) == 500
    assert accuracy(graph) >= 0.98


def test_bundled_test_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    real = {
        (image.tobytes(), int(t)) for image, t in zip(digits.images, digits.target, strict=True)
    }
    graph = container.load(ROOT / "qembed/data/digits.npz")
    by = graph.tensors[0].quantization
    steps = graph.samples.inputs[0][:, 0, :, :, 0].astype(np.float64) - by.zero_point
    pixels = np.rint(steps * by.scale * 16)
    found = {
        (image.tobytes(), int(t)) for image, t in zip(pixels, graph.samples.labels, strict=True)
    }
    assert len(found) == 500 and found <= real


def test_script_trains_quantizes_and_writes(tmp_path):
    pytest.importorskip("sklearn")
    made = tmp_path / "digits.npz"
    command = [sys.executable, "examples/digits/train.py", "--epochs", "25", "-o", str(made)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )
    graph = container.load(made)
    assert {"add", "max_pool", "softmax"} < {node.op for node in graph.nodes}
    assert f"int8  test accuracy {accuracy(graph):.3%}" in done.stdout
    assert accuracy(graph) > 0.9
    assert container.graph_hash(graph) != container.graph_hash(
        container.load(ROOT / "qembed/data/digits.npz")
    )


def test_gradients_are_those_of_the_loss(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples/digits"))
    import float_net

    rng = np.random.default_rng(0)
    weights = {
        k: v + rng.normal(0, 0.1, v.shape) for k, v in float_net.initial_weights(rng).items()
    }
    images, labels = rng.random((3, 8, 8, 1)), np.array([1, 5, 9])

    def loss():
        return float_net.softmax_loss(float_net.forward(weights, images)[0]["scores"], labels)

    _, backward = float_net.forward(weights, images)
    gradients = backward(loss()[1])
    assert set(gradients) == set(weights)
    for name, gradient in gradients.items():
        at = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        middle = weights[name][at]
        slope = 0.0
        for step in (1e-6, -1e-6):
            weights[name][at] = middle + step
            slope += loss()[0] / (2 * step)
        weights[name][at] = middle
        assert slope == pytest.approx(gradient[at], rel=1e-4)
