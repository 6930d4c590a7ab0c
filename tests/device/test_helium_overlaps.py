"""The Helium kernels on their board: every traversal, apart from and over their inputs."""

import os

import numpy as np
import pytest

from support.helium import layers, over_its_input, wrong
from support.helium_layers import HELIUM_LAYERS

LAYERS = int(os.environ.get("QEMBED_HELIUM_LAYERS", "4"))
"""Random layers of each kernel; docs/memory.md says how many the claim rests on."""
AT_ONCE = 10
"""Layers of one firmware, at most."""


@pytest.mark.parametrize("function", HELIUM_LAYERS)
def test_declared_overlaps_are_right(function, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    count = 0
    for first in range(0, LAYERS, AT_ONCE):
        apart = list(layers(function, min(AT_ONCE, LAYERS - first), 1000 * first))
        cases = apart + [over for case in apart for over in over_its_input(case, rng)]
        differ = wrong(cases, tmp_path / f"{first}", monkeypatch)
        assert [str(case) for case in differ] == []
        count += len(cases) - len(apart)
    assert count >= LAYERS
    print(f"{function}: {LAYERS} layers, {count} overlapping runs, 0 wrong")
