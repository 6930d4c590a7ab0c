import numpy as np
import pytest

from support import draw
from support.forms import FORMS, compare
from support.tflite_writer import Writer


def lstm(rng, dtype="int8"):
    """Several calls one after another: hidden state and cell live on."""
    batch, time = draw.integer(rng, 1, 2), draw.integer(rng, 1, 5)
    features, cells = draw.integer(rng, 1, 7), draw.integer(rng, 1, 6)
    time_major = bool(rng.random() < 0.3)
    is_wide = dtype == "int16"
    finer = 8 if is_wide else 0
    x_scale, h_scale = (
        draw.scale(rng, -7 - finer, -4 - finer),
        draw.scale(rng, -8 - finer, -6 - finer),
    )
    x_point, h_point = (0, 0) if is_wide else (draw.zero_point(rng), draw.integer(rng, -20, 20))
    cell_scale = 2.0 ** draw.integer(rng, -15, -11)
    outer = (time, batch) if time_major else (batch, time)
    writer = Writer()
    x = writer.input((*outer, features), dtype, x_scale, x_point)
    weights = []
    for columns in (features, cells):
        for _ in range(4):
            values = draw.weights(rng, (cells, columns))
            weights.append(writer.constant(values, scale=draw.scale(rng, -9, -6)))
    biases = []
    for gate in range(4):
        w_scale = writer.graph.tensors[weights[gate]].quantization.scale[0]
        bias = rng.integers(-3000, 3000, cells) << finer
        bias = bias.astype("int64" if is_wide else "int32")
        biases.append(writer.constant(bias, scale=x_scale * w_scale))
    hidden = writer.tensor((batch, cells), dtype, h_scale, h_point, is_variable=True)
    cell = writer.tensor((batch, cells), "int16", cell_scale, 0, is_variable=True)
    y = writer.output((*outer, cells), dtype, h_scale, h_point)
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
    intermediates.append(writer.tensor((0,), dtype, h_scale, h_point))
    writer.graph.operators[0].intermediates = intermediates
    limits = np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, (4, *outer, features), endpoint=True)
    return writer, [x.astype(dtype)]


def lstm_int16(rng):
    return lstm(rng, "int16")


@pytest.mark.parametrize("make", [lstm, lstm_int16])
@pytest.mark.parametrize("form", FORMS)
def test_equals_tflm(form, make):
    compare(form, make)
