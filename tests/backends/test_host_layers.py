"""Every host kernel, on every instruction set of this machine, against the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.backends import reference
from qembed.backends.host import KERNELS, HostModel
from support.forms import assert_equal
from support.layers import LAYERS


@pytest.mark.parametrize("op", LAYERS)
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_reference(op, seed):
    graph, inputs = LAYERS[op](np.random.default_rng(seed))
    ours = HostModel(graph).run(inputs)
    theirs = reference.run(graph, inputs)
    for mine, definition in zip(ours, theirs, strict=True):
        assert_equal(mine, definition, f"{op}, seed {seed}")


def test_every_kernel_is_drawn():
    assert set(LAYERS) == set(KERNELS)
