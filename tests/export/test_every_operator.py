"""Every operator from the model file through the whole exporter: C text, arena, state."""

import numpy as np

from qembed.backends import reference
from qembed.container import load, save
from qembed.export import model_sources
from qembed.targets import load_target
from support import exported
from support.forms import assert_equal
from support.layers import LAYERS

SEEDS = (1, 2, 3)
SANITIZE = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")


def from_file(graph, path):
    """What a model file makes of a graph."""
    save(graph, path)
    return load(path)


def test_exported_models_of_one_layer(tmp_path):
    target = load_target("native")
    drawn = {
        f"{op}_{seed}": LAYERS[op](np.random.default_rng(seed)) for op in LAYERS for seed in SEEDS
    }
    loaded = {name: from_file(graph, tmp_path / name) for name, (graph, _) in drawn.items()}
    models = [(graph, model_sources(graph, target, name)) for name, graph in loaded.items()]
    built = exported.build_all(models, *SANITIZE, *exported.STRICT)
    for model, (name, (graph, inputs)) in zip(built, drawn.items(), strict=True):
        expected = reference.run(graph, inputs)
        for i, sample in enumerate(zip(*inputs, strict=True)):
            outputs, _ = model.step(sample)
            for ours, theirs in zip(outputs, expected, strict=True):
                assert_equal(ours, theirs[i], f"{name}, sample {i}")
