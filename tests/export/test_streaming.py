"""Row streaming: every row of random networks in the places that are planned for it."""

import contextlib
import os
from functools import partial

import numpy as np
import pytest

from qembed.backends import reference
from qembed.errors import UnsupportedError
from qembed.export import model
from qembed.export.streaming import plan_streaming
from qembed.targets import load_target
from support import exported
from support.networks import network
from support.variants import four_bits, sixteen_bits

COUNT = int(os.environ.get("QEMBED_RANDOM_NETWORKS", "12"))
SANITIZE = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")
KINDS = {"int8": lambda graph: graph, "4-bit weights": four_bits, "int16": sixteen_bits}


def check_layers(models) -> None:
    """Every layer and output of two inferences, against the definition."""
    for seed, built in enumerate(exported.build_all(models, *SANITIZE)):
        inputs = exported.random_inputs(built.graph, 2, seed)
        expected = reference.trace(built.graph, inputs)
        for i in range(2):
            outputs, layers = built.step([batch[i] for batch in inputs])
            results = zip(built.graph.outputs, outputs, strict=True)
            for tensor, array in (*layers.items(), *results):
                where = f"{built.sources.prefix}: {built.graph.tensors[tensor].name}"
                np.testing.assert_array_equal(array, expected[tensor][i], where)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["native", "cortex-m4", "cortex-m0"])
def test_random_networks(target, kind, monkeypatch):
    chip = load_target(target)
    models = []
    for seed in range(COUNT):
        graph = KINDS[kind](network(seed))
        for pushed in (False, True):
            monkeypatch.setattr(model, "_planned", partial(only_streamed, pushed))
            with contextlib.suppress(UnsupportedError):
                prefix = f"net{seed}{'p' if pushed else 'r'}"
                models.append((graph, model.model_sources(graph, chip, prefix)))
    print(f"{target}, {kind}: {len(models)} plans of {2 * COUNT}")
    assert len(models) > 1.5 * COUNT
    check_layers(models)


def only_streamed(pushed: bool, graph, target, arena_max, push_rows):
    return plan_streaming(graph, target, arena_max, pushed)
