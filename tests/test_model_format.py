"""The example of docs/model-format.md, run as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

from qembed import container
from qembed.backends import reference
from qembed.ir import DTYPES
from qembed.ops import OPERATORS

TEXT = (Path(__file__).parents[1] / "docs/model-format.md").read_text()


@pytest.fixture
def by_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    exec(code, names)
    return container.load("by-hand.npz"), names["arrays"]


def test_example_computes_what_its_arrays_say(by_hand):
    """The same network once more in float64, which holds all of its products exactly."""
    graph, arrays = by_hand
    (scores,) = reference.run(graph, graph.samples.inputs)
    images = arrays["images"].astype(float)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
    for sample, got in zip(padded, scores, strict=True):
        sums = np.zeros((8, 8, 4))
        for y, x in np.ndindex(3, 3):
            sums += sample[0, y : y + 8, x : x + 8] * arrays["conv_weights"][:, y, x, 0]
        scaled = (sums + arrays["conv_bias"]) * 0.625 * 2.0**-7
        features = np.clip(np.sign(scaled) * np.floor(np.abs(scaled) + 0.5), 0, 255)
        exact = features.reshape(-1) @ arrays["fc_weights"].T.astype(float) * 0.5 * 2.0**-9
        assert np.abs(np.clip(exact, -128, 127) - got[0]).max() <= 1.0


def test_example_is_what_save_would_write(by_hand, tmp_path):
    graph, _ = by_hand
    container.save(graph, tmp_path / "again.npz")
    again = container.load(tmp_path / "again.npz")
    assert container.graph_hash(again) == container.graph_hash(graph)
    assert (again.name, again.classes, again.profile) == (graph.name, graph.classes, "tflm")


def test_table_names_every_field_and_type():
    assert all(f"`{name}`" in TEXT for name in container.Graph.__dataclass_fields__)
    assert all(f"`{name}`" in TEXT for name in container.Tensor.__dataclass_fields__)
    assert all(f"`{name}`" in TEXT for name in container.Node.__dataclass_fields__)
    assert all(f"`{name}`" in TEXT for name in DTYPES)
    assert {"conv", "fully_connected"} <= set(OPERATORS)
