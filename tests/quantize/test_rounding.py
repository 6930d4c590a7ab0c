"""Rounding of one layer against what it must beat."""

import numpy as np
import pytest

from qembed.floats.fully_connected import FullyConnected
from qembed.quantize import ranges, rounding
from qembed.quantize.layers import Recipe, make_layer
from qembed.quantize.scheme import encoding_of
from support.float_layers import single


def correlated(rng, rows=2000, width=24):
    mix = rng.standard_normal((width, width)) / np.sqrt(width)
    return (rng.standard_normal((rows, width)) @ mix).astype(np.float32)


def error(x, weights, integers, scale, real=None):
    made = x @ (integers * scale[:, None].astype(np.float64)).T
    wanted = (x if real is None else real) @ weights.T
    off = wanted - made
    return float(np.square(off - off.mean(0)).sum())


@pytest.mark.parametrize("largest", [7, 127])
def test_feedback_beats_nearest(largest):
    rng = np.random.default_rng(0)
    x, weights = correlated(rng), rng.standard_normal((10, 24))
    seen = rounding.moments(x, x)
    scale = rounding.channel_scales(weights, largest, by_error=largest == 7)
    plain = rounding.nearest(weights, scale, largest)
    clever = rounding.with_feedback(weights, scale, largest, seen)
    assert error(x, weights, clever, scale) < 0.8 * error(x, weights, plain, scale)
    assert np.abs(clever).max() <= largest


def test_compensation_makes_up_for_the_input():
    rng = np.random.default_rng(1)
    real, weights = correlated(rng), rng.standard_normal((10, 24))
    damaged = np.clip(real, -0.8, 0.8) + 0.05 * rng.standard_normal(real.shape).astype("f4")
    seen = rounding.moments(real, damaged)
    repaired = rounding.compensated(weights, seen)

    def off(w):
        d = real @ weights.T - damaged @ w.T
        return float(np.square(d - d.mean(0)).sum())

    assert off(repaired) < 0.9 * off(weights)


def test_scale_by_error_is_no_worse_than_the_largest_weight():
    rng = np.random.default_rng(2)
    weights = rng.standard_t(3, (6, 50))

    def off(scale):
        held = rounding.nearest(weights, scale, 7) * scale[:, None].astype(np.float64)
        return np.square(held - weights).sum(1)

    best = off(rounding.channel_scales(weights, 7, by_error=True))
    plain = off(rounding.channel_scales(weights, 7, by_error=False))
    assert np.all(best <= plain * 1.0001) and best.sum() < 0.9 * plain.sum()


@pytest.mark.parametrize("name", ranges.METHODS)
def test_ranges_lie_within_what_was_seen(name):
    values = np.random.default_rng(3).standard_normal(5000).astype(np.float32)
    low, high = ranges.METHODS[name](values)
    assert values.min() <= low < 0 < high <= values.max()
    assert high - low > 2


def test_squared_error_clips_an_outlier():
    values = np.append(np.random.default_rng(4).uniform(0, 1, 1_000_000), 2.0).astype(np.float32)

    def off(span):
        scale = encoding_of(span, "int8").quantization.scale
        return np.square(np.clip(np.rint(values / scale), 0, 255) * scale - values).mean()

    assert off(ranges.squared_error(values)) < 0.6 * off(ranges.min_max(values))


def test_thinning_keeps_the_extremes():
    values = np.zeros(ranges.MOST_VALUES * 3 + 1, np.float32)
    values[1], values[5] = 7, -9
    assert ranges.thinned(values).size <= ranges.MOST_VALUES + 2
    assert ranges.min_max(ranges.thinned(values)) == (-9, 7)


def test_the_bias_takes_what_rounding_does_to_the_mean():
    rng = np.random.default_rng(5)
    x = 1 + correlated(rng)  # far from zero mean
    weights = rng.standard_normal((6, 24)).astype(np.float32)
    graph = single("fully_connected", FullyConnected(weights, np.zeros(6, np.float32)), (1, 24))
    (node,) = graph.nodes
    real = x.reshape(-1, 1, 24)
    recipe = Recipe(bits=4, feedback=False)
    layer, held = make_layer(node, (1, 6), 1 / 64, real, real, recipe)
    off = (x @ held.weights.T + held.bias - x @ weights.T).mean(0)
    without = (x @ held.weights.T - x @ weights.T).mean(0)
    assert np.all(np.abs(off) <= layer.scale / 64) and np.abs(without).max() > 0.2
