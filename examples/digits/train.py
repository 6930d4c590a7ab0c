"""Train the bundled digits network and write `qembed/data/digits.npz`.

    python examples/digits/train.py [-o digits.npz] [--epochs 150]

Data: the 1797 handwritten digits of scikit-learn, 8x8 pixels from 0 to 16. Of a seeded shuffle the
last 500 are for testing and travel in the model file; nothing is fitted or chosen on them.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import sklearn
import to_graph
from float_net import forward, initial_weights, softmax_loss
from sklearn.datasets import load_digits

from qembed import container
from qembed.backends import reference
from qembed.ir import Samples

SEED = 1797
TEST = 500
BATCH = 32
RATE = 3e-3
BUNDLED = Path(__file__).resolve().parents[2] / "qembed" / "data" / "digits.npz"


def load_data():
    """Return training images and labels, test images and labels; pixels in [0, 1]."""
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images = (digits.images[order, :, :, None] / 16).astype(np.float32)
    labels = digits.target[order].astype(np.int64)
    return images[:-TEST], labels[:-TEST], images[-TEST:], labels[-TEST:]


def shifted(images, rng):
    """Move each image by up to one pixel in each direction: cheap new training data."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moves = rng.integers(0, 3, (len(images), 2))
    return np.stack([p[y : y + 8, x : x + 8] for p, (y, x) in zip(padded, moves, strict=True)])


def train(images, labels, epochs):
    """Return trained weights: Adam, with a rate that falls like a cosine."""
    rng = np.random.default_rng(SEED)
    weights = initial_weights(rng)
    mean = {k: np.zeros_like(w) for k, w in weights.items()}
    square = {k: np.zeros_like(w) for k, w in weights.items()}
    steps = epochs * (len(images) // BATCH)
    step = 0
    for epoch in range(epochs):
        losses = []
        order = rng.permutation(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            values, backward = forward(weights, shifted(images[chosen], rng))
            loss, gradient = softmax_loss(values["scores"], labels[chosen])
            losses.append(loss)
            step += 1
            rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
            for key, g in backward(gradient).items():
                mean[key] += 0.1 * (g - mean[key])
                square[key] += 0.001 * (g * g - square[key])
                unbiased = mean[key] / (1 - 0.9**step)
                spread = np.sqrt(square[key] / (1 - 0.999**step)) + 1e-8
                weights[key] -= (rate * unbiased / spread).astype(np.float32)
        if epoch % 25 == 24:
            print(f"epoch {epoch + 1:3}: loss {np.mean(losses):.4f}")
    return weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=BUNDLED)
    parser.add_argument("--epochs", type=int, default=150)
    arguments = parser.parse_args()
    images, labels, test_images, test_labels = load_data()

    weights = train(images, labels, arguments.epochs)
    activations, _ = forward(weights, images)
    scores = forward(weights, test_images)[0]["scores"]
    print(f"float test accuracy {np.mean(scores.argmax(1) == test_labels):.3%}")

    graph = to_graph.graph(weights, activations)
    pixels = to_graph.quantize(test_images, graph.tensors[0].quantization)[:, None]
    graph = dataclasses.replace(
        graph,
        classes=tuple("0123456789"),
        samples=Samples((pixels,), test_labels),
        source={
            "script": "examples/digits/train.py",
            "data": f"scikit-learn {sklearn.__version__} load_digits: the {TEST} test images",
        },
    )
    (classes,) = reference.run(graph, graph.samples.inputs)
    print(f"int8  test accuracy {np.mean(classes[:, 0].argmax(1) == test_labels):.3%}")
    container.save(graph, arguments.output)
    print(f"wrote {arguments.output} ({container.graph_hash(graph).hex()[:16]})")


if __name__ == "__main__":
    main()
