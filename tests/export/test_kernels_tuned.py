"""Tuned kernels, as libraries of this machine, against the definition: every storage order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.backends import reference
from qembed.export.ops import TUNED, candidates
from support import native
from support.fast_layers import FAST_LAYERS
from support.forms import assert_equal

SEEDS = st.integers(0, 2**32 - 1)
KINDS = [(variant, kind) for variant in TUNED for kind in FAST_LAYERS]


@pytest.mark.parametrize(("variant", "kind"), KINDS)
@given(seed=SEEDS)
def test_equals_reference(variant, kind, seed):
    graph, inputs = FAST_LAYERS[kind](np.random.default_rng(seed))
    ours = native.run(graph, inputs, variant=variant)
    theirs = reference.run(graph, inputs)
    for mine, definition in zip(ours, theirs, strict=True):
        assert_equal(mine, definition, f"{variant} {kind}, seed {seed}")


@pytest.mark.parametrize(("variant", "kind"), KINDS)
def test_most_layers_run_on_the_tuned_kernels(variant, kind):
    fits = 0
    for seed in range(50):
        graph, _ = FAST_LAYERS[kind](np.random.default_rng(seed))
        found = candidates(graph.nodes[0], graph, native.target_of(variant))
        fits += any(lowering.variant == variant for lowering in found.values())
    assert fits >= 35
