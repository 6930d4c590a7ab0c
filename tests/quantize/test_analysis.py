"""Layers that were made bad must be found, and nothing else blamed."""

from dataclasses import replace

import numpy as np
import pytest

from qembed.quantize import Settings, quantize
from qembed.quantize.agreement import compare
from qembed.quantize.analysis import analyze
from qembed.quantize.integers import build
from support.float_networks import residual, samples


def planted(made, node, **changes):
    """The network with one layer's integers replaced."""
    layers = dict(made.decisions.layers)
    layers[node] = replace(layers[node], **changes)
    graph, file = build(made.real, made.decisions.encodings, layers)
    decisions = replace(made.decisions, layers=layers)
    return replace(made, graph=graph, file=file, decisions=decisions)


def by_name(layers):
    return {layer.name: layer for layer in layers}


def test_shares_of_the_noise_add_up():
    made = quantize(residual(), [samples(40)])
    layers = analyze(made, [samples(40)])
    assert sum(x.weight_noise + x.output_noise for x in layers) == pytest.approx(1)
    assert [x.name for x in layers] == [node.name for node in made.real.nodes]
    logits = by_name(layers)["fully_connected6"]
    assert logits.sqnr == pytest.approx(compare(made.real, made.graph, [samples(40)]).sqnr)


def test_a_layer_with_bad_weights_is_blamed():
    made = quantize(residual(), [samples(40)])
    coarse = (made.decisions.layers["depthwise_conv3"].weights // 32 * 32).astype(np.int8)
    layers = by_name(analyze(planted(made, "depthwise_conv3", weights=coarse), [samples(40)]))
    assert layers["depthwise_conv3"].weight_noise > 0.8
    assert "its weights" in layers["depthwise_conv3"].remedy


def test_four_bits_that_hurt_are_said_with_their_price():
    made = quantize(residual(), [samples(40)], Settings("int4"))
    layers = by_name(analyze(made, [samples(40)]))
    (name, worst) = max(layers.items(), key=lambda item: item[1].weight_noise)
    assert worst.weight_bits == 4 and worst.weight_noise > 0.1
    weights = made.decisions.layers[name].weights.size
    assert worst.remedy.endswith(f"for {weights - -(-weights // 2):,} bytes")


def test_uneven_channels_are_said():
    made = quantize(residual(spread=5.0), [samples(40)], Settings(equalize=0.0))
    layers = by_name(analyze(made, [samples(40)]))
    assert layers["conv1"].channel_ratio > 100 and "equalize" in layers["conv1"].remedy
    assert layers["reshape5"].output_noise == 0


def test_clipping_is_said():
    made = quantize(residual(), [samples(40)])
    narrow = {
        i: replace(e, quantization=replace(e.quantization, scale=e.quantization.scale / 8))
        if made.real.tensors[i].name == "binary2"
        else e
        for i, e in made.decisions.encodings.items()
    }
    graph, file = build(made.real, narrow, made.decisions.layers)
    decisions = replace(made.decisions, encodings=narrow)
    bad = replace(made, graph=graph, file=file, decisions=decisions)
    layer = by_name(analyze(bad, [samples(40)]))["binary2"]
    assert layer.saturated > 0.01 and "clipped" in layer.remedy
