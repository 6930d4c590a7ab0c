"""UNIDIRECTIONAL_SEQUENCE_LSTM on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.lstm import GATE_MULTIPLIER, GATE_SHIFT, GATES, Gate, Lstm


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Lstm = node.params
    x = graph.tensors[node.inputs[0]]
    batch, steps = x.shape[1::-1] if params.time_major else x.shape[:2]
    table = CArray("table", "uint16_t", params.table)
    gates: fields.Fields = {name: _gate(name, getattr(params, name)) for name in GATES}
    return Lowering(
        stem="lstm",
        variant="portable",
        function=f"qe_lstm_{fields.SUFFIX[x.dtype]}",
        params_type="qe_lstm_params",
        fields={
            "batch": batch,
            "steps": steps,
            "features": x.shape[2],
            "cells": params.input_gate.bias.size,
            "batch_stride": 1 if params.time_major else steps,
            "step_stride": batch if params.time_major else 1,
            **gates,
            "gate_scale": {"multiplier": GATE_MULTIPLIER, "shift": GATE_SHIFT, "table": table},
            "cell_scale": {
                "multiplier": params.tanh_multiplier,
                "shift": params.tanh_shift,
                "table": table,
            },
            "forget_scale": fields.scale(params.forget_requantization),
            "update_scale": fields.scale(params.update_requantization),
            "hidden_scale": fields.scale(params.hidden_requantization),
            "cell_clip": params.cell_clip,
            "input_zero_point": params.input_zero_point,
            "hidden_zero_point": params.hidden_zero_point,
        },
        sources=("portable/qe_lstm.c", "portable/qe_sigmoid.c", "portable/qe_fixedpoint.c"),
        headers=("qe_lstm.h",),
    )


def _gate(name: str, gate: Gate) -> fields.Fields:
    """`qe_lstm_gate`."""
    return {
        "input_weights": CArray(f"{name}_input_weights", "int8_t", gate.input_weights, rom=True),
        "recurrent_weights": CArray(
            f"{name}_recurrent_weights", "int8_t", gate.recurrent_weights, rom=True
        ),
        **fields.biases(gate.bias, f"{name}_"),
        "input_scale": fields.scale(gate.input_requantization),
        "recurrent_scale": fields.scale(gate.recurrent_requantization),
    }
