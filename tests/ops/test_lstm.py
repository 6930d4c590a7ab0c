import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def lstm(rng):
    """Several calls one after another: hidden state and cell live on."""
    batch, time = draw.integer(rng, 1, 2), draw.integer(rng, 1, 5)
    features, cells = draw.integer(rng, 1, 7), draw.integer(rng, 1, 6)
    time_major = bool(rng.random() < 0.3)
    x_scale, h_scale = draw.scale(rng, -7, -4), draw.scale(rng, -8, -6)
    h_point, cell_scale = draw.integer(rng, -20, 20), 2.0 ** draw.integer(rng, -15, -11)
    outer = (time, batch) if time_major else (batch, time)
    writer = Writer()
    x = writer.input((*outer, features), "int8", x_scale, draw.zero_point(rng))
    weights = []
    for columns in (features, cells):
        for _ in range(4):
            values = draw.weights(rng, (cells, columns))
            weights.append(writer.constant(values, scale=draw.scale(rng, -9, -6)))
    biases = []
    for gate in range(4):
        w_scale = writer.graph.tensors[weights[gate]].quantization.scale[0]
        bias = rng.integers(-3000, 3000, cells).astype(np.int32)
        biases.append(writer.constant(bias, scale=x_scale * w_scale))
    hidden = writer.tensor((batch, cells), "int8", h_scale, h_point, is_variable=True)
    cell = writer.tensor((batch, cells), "int16", cell_scale, 0, is_variable=True)
    y = writer.output((*outer, cells), "int8", h_scale, h_point)
    missing = [-1] * 3
    writer.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [x, *weights, *missing, *biases, -1, -1, hidden, cell, *[-1] * 4],
        [y],
        fusedActivationFunction="TANH",
        timeMajor=time_major,
        cellClip=draw.choice(rng, (0.0, 0.0, 1.0, 10.0)),
    )
    intermediates = [writer.tensor((0,), "int16", 2.0**-12, 0) for _ in range(4)]
    intermediates.append(writer.tensor((0,), "int8", h_scale, h_point))
    writer.graph.operators[0].intermediates = intermediates
    return writer, [rng.integers(-128, 128, (4, *outer, features)).astype(np.int8)]


@pytest.mark.parametrize("make", [lstm])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
