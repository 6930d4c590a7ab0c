"""Every host kernel, on every instruction set of this machine, against the definition."""

import os
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qembed._host._simd import available, peak

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.backends.host import HostModel, kernel_class
from qembed.errors import ToolError
from qembed.ir import Tensor
from qembed.ops import OPERATORS, fully_connected
from qembed.ops.fully_connected import FullyConnected
from support.desktop_layers import DESKTOP_LAYERS
from support.forms import assert_equal
from support.layers import LAYERS, graph

# Operators with vectorized kernels; the others are the same whatever the instruction set.
VECTORIZED = (
    "add",
    "average_pool",
    "conv",
    "depthwise_conv",
    "fully_connected",
    "max_pool",
    "mul",
)
CASES = [
    (isa, op) for isa in available() for op in LAYERS if op in VECTORIZED or isa == available()[0]
]


def forced(isa: str):
    return mock.patch.dict(os.environ, QEMBED_ISA=isa)


@pytest.mark.parametrize(("isa", "op"), CASES)
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_reference(isa, op, seed):
    made, inputs = LAYERS[op](np.random.default_rng(seed))
    with forced(isa):
        ours = HostModel(made).run(inputs)
    for mine, definition in zip(ours, reference.run(made, inputs), strict=True):
        assert_equal(mine, definition, f"{op}, seed {seed}")


@pytest.mark.parametrize("op", DESKTOP_LAYERS)
@given(seed=st.integers(0, 2**32 - 1))
def test_equals_reference_as_desktops_round(op, seed):
    made, inputs = DESKTOP_LAYERS[op](np.random.default_rng(seed))
    for mine, definition in zip(
        HostModel(made).run(inputs), reference.run(made, inputs), strict=True
    ):
        assert_equal(mine, definition, f"{op}, seed {seed}")


def test_every_operator_has_a_kernel_and_is_drawn():
    assert set(LAYERS) == set(OPERATORS)
    assert len({kernel_class(op) for op in OPERATORS}) == len(OPERATORS)


@pytest.mark.parametrize("rounding", ["double", "single"])
@pytest.mark.parametrize("isa", available())
def test_every_accumulator_in_a_row(isa, rounding):
    """Weights 1 and 128: two inputs reach 32,768 neighbouring accumulators, so every step of the
    staircase, its ties and its ends are met, not just likely values."""
    rng = np.random.default_rng(0)
    channels = 192
    shift = rng.integers(-12, -5, channels).astype(np.int32)
    shift[:8] = [0, 1, 3, -20, -31, -1, -7, -16]
    multiplier = rng.integers(1 << 30, 1 << 31, channels)
    multiplier[8:20] = [1 << 30, (1 << 31) - 1, 0, (1 << 30) + 1] * 3
    params = FullyConnected(
        weights=np.tile(np.array([[1, -128]], np.int8), (channels, 1)),
        bias=rng.integers(-40_000, 40_000, channels).astype(np.int32),
        requantization=Requantization(multiplier.astype(np.int32), shift, rounding),
        input_zero_point=3,
        output_zero_point=int(rng.integers(-128, 128)),
        activation_range=(-128, 127),
    )
    made = graph("fully_connected", params, [Tensor("x", (1, 2), "int8")])
    x = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), -1).astype(np.int8)
    x = x.reshape(-1, 1, 2)
    with forced(isa):
        ours = HostModel(made).run(x)[0]
    definition = fully_connected.reference(params, x.reshape(-1, 2))
    assert_equal(ours, definition.reshape(ours.shape), rounding)


@pytest.mark.parametrize("isa", available())
def test_the_peak_is_counted(isa):
    with forced(isa):
        assert (peak(10) > 0) == (isa != "portable")


@pytest.mark.parametrize("name", ["avx1024", "AVX2", "neon"])
def test_an_unknown_instruction_set_is_refused(name):
    made, _ = LAYERS["conv"](np.random.default_rng(0))
    with forced(name), pytest.raises(ToolError, match=f"QEMBED_ISA is '{name}'; this machine has"):
        HostModel(made)


SHARED = sorted({op for op in LAYERS if op in (*VECTORIZED, "compare", "extremum")})


@pytest.mark.parametrize("op", SHARED)
@given(seed=st.integers(0, 2**32 - 1), threads=st.integers(2, 5))
def test_threads_that_share_a_sample_change_nothing(op, seed, threads):
    made, inputs = LAYERS[op](np.random.default_rng(seed))
    one = [array[:1] for array in inputs]
    worth_sharing = mock.patch.multiple(
        "qembed._host.executor", SECONDS_TO_WAKE=1e-12, MOST_LOST=1e9
    )
    small = mock.patch.multiple("qembed._host._simd", PRODUCTS_A_PART=1, VALUES_A_PART=1)
    smaller = mock.patch.multiple("qembed._host._kernel", VALUES_A_PART=1)
    with worth_sharing, small, smaller:
        model = HostModel(made)
        for _ in range(3):  # the first one measures, in one thread
            ours = model.run(one, threads)
    for mine, definition in zip(ours, reference.run(made, one), strict=True):
        assert_equal(mine, definition, f"{op}, seed {seed}, {threads} threads")
