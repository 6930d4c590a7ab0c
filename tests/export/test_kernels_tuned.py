"""Tuned kernels, as libraries of this machine, against the definition: every storage order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.backends import reference
from qembed.export.ops import TUNED, candidates, lower
from qembed.ir import Node, Tensor
from qembed.ops.fully_connected import FullyConnected
from support import native
from support.fast_layers import FAST_LAYERS, kinds_of, learned
from support.forms import assert_equal

SEEDS = st.integers(0, 2**32 - 1)
SEED_OF_A_LARGE_KERNEL = 7
NATIVE = ("compact", "compact_pairs", "dsp", "m0")
"""Helium kernels run on an emulated board alone."""
KINDS = [(variant, kind) for variant in NATIVE for kind in kinds_of(TUNED[variant])]


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
    assert fits >= 30


def test_a_minor_fully_connected_layer_shares_the_convolutions_kernel():
    rng = np.random.default_rng(SEED_OF_A_LARGE_KERNEL)
    conv, inputs = FAST_LAYERS["conv"](rng)
    x, y = conv.tensors
    params = FullyConnected(**learned(rng, (3, y.shape[3]), y.shape[3], 3))
    pixels = y.shape[1] * y.shape[2]
    node = Node("minor", "fully_connected", params, (1,), (2,))
    tensors = (x, y, Tensor("z", (pixels, 3), "int8"))
    graph = replace(conv, tensors=tensors, nodes=(conv.nodes[0], node), outputs=(2,))
    lowering = lower(node, graph, native.target_of("dsp"))
    assert (lowering.stem, lowering.function) == ("fully_connected", "qe_conv_dsp")
    ours = native.run(graph, inputs, variant="dsp")
    assert_equal(ours[0], reference.run(graph, inputs)[0], "convolution, then fully connected")
