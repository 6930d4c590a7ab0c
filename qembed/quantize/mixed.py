"""Which layers keep 8 bits while the others get 4: those that suffer most for their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qembed.errors import UnsupportedError
from qembed.floats import FLOAT_OPERATORS, executor
from qembed.ir import AnyArray, Graph
from qembed.quantize.layers import Recipe, make_layer
from qembed.quantize.scheme import encoding_of, targets_of

BYTES_PER_CHANNEL = 12
"""Bias, multiplier and shift on the chip."""


def sizes(graph: Graph, bits: int) -> dict[str, int]:
    """Bytes of each layer's weights and of what goes with its channels, by the node's name."""
    return {
        node.name: -(-node.params.weights.size * bits // 8)
        + BYTES_PER_CHANNEL * node.params.bias.size
        for node in graph.nodes
        if FLOAT_OPERATORS[node.op].weights is not None
    }


def sensitivities(graph: Graph, inputs: Sequence[AnyArray], recipe: Recipe) -> dict[str, float]:
    """Squared error of the targets when one layer alone is rounded to 4 bits, by its name."""
    targets = targets_of(graph)
    real = executor.trace(graph, inputs)
    narrow = replace(recipe, bits=4, layer_bits={}, compensate=False)
    errors = {}
    for place, node in enumerate(graph.nodes):
        if FLOAT_OPERATORS[node.op].weights is None:
            continue
        x, y = node.inputs[0], node.outputs[0]
        step = encoding_of((float(real[x].min()), float(real[x].max())), recipe.activations)
        _, params = make_layer(
            node, graph.tensors[y].shape, step.quantization.scale, real[x], real[x], narrow
        )
        changed = (replace(node, params=params), *graph.nodes[place + 1 :])
        found = executor.resume(graph, real, changed, targets)
        errors[node.name] = sum(float(np.square(found[i] - real[i]).sum()) for i in targets)
    return errors


def kept_wide(graph: Graph, errors: dict[str, float], budget: int) -> dict[str, int]:
    """Return 8 for the layers that keep 8 bits.

    Parameters
    ----------
    errors : dict
        Of `sensitivities`.
    budget : int
        Bytes that all layers together may take.
    """
    wide, narrow = sizes(graph, 8), sizes(graph, 4)
    room = budget - sum(narrow.values())
    kept = {}
    for name in sorted(errors, key=lambda n: errors[n] / (wide[n] - narrow[n]), reverse=True):
        cost = wide[name] - narrow[name]
        if cost <= room:
            kept[name], room = 8, room - cost
    return kept


def require_possible(graph: Graph, budget: int) -> None:
    """Refuse a budget that no choice meets, and say what the smallest needs."""
    least = sum(sizes(graph, 4).values())
    if budget < least:
        raise UnsupportedError(
            f"with 4 bits everywhere the weights take {least} bytes; the limit is {budget}"
        )
