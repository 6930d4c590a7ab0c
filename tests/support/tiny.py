"""Small .tflite files that use many operators, for tests of the importer."""

from __future__ import annotations

import numpy as np

from support.tflite_writer import Writer


def conv_net(**changes) -> Writer:
    """conv, depthwise conv, add, pool, mean, reshape, fully connected, softmax, quantized edges.

    `changes` replace arguments of named tensors: ``conv_net(w={"scale": 0.0})``.
    """
    rng = np.random.default_rng(1)
    writer = Writer()

    def put(kind, name, *args, **kwargs):
        return getattr(writer, kind)(*args, **{"name": name, **kwargs, **changes.get(name, {})})

    def weights(name, shape, scale, **kwargs):
        data = changes.get(name, {}).get("data", rng.integers(-127, 128, shape).astype(np.int8))
        return put("tensor", name, data.shape, "int8", **{"scale": scale, "data": data, **kwargs})

    def bias(name, count):
        data = rng.integers(-900, 900, count).astype(np.int32)
        return put("tensor", name, (count,), "int32", data=data)

    image = put("input", "image", (1, 6, 5, 2), "float32")
    x = put("tensor", "x", (1, 6, 5, 2), "int8", scale=0.1, zero_point=3)
    a = put("tensor", "a", (1, 6, 5, 4), "int8", scale=0.5, zero_point=-7)
    b = put("tensor", "b", (1, 6, 5, 4), "int8", scale=0.4, zero_point=9)
    c = put("tensor", "c", (1, 6, 5, 4), "int8", scale=0.6, zero_point=0)
    d = put("tensor", "d", (1, 3, 3, 4), "int8", scale=0.6, zero_point=0)
    e = put("tensor", "e", (1, 4), "int8", scale=0.3, zero_point=0)
    f = put("tensor", "f", (1, 3), "int8", scale=0.2, zero_point=5)
    g = put("tensor", "g", (1, 3), "int8", scale=2.0**-8, zero_point=-128)
    y = put("output", "y", (1, 3), "float32")
    step = {"strideH": 1, "strideW": 1}
    writer.operator("QUANTIZE", [image], [x])
    w = weights("w", (4, 3, 3, 2), [0.01, 0.02, 0.03, 0.04])
    writer.operator("CONV_2D", [x, w, bias("wb", 4)], [a], padding="SAME", **step)
    v = weights("v", (1, 3, 3, 4), [0.01, 0.02, 0.03, 0.04], axis=3)
    writer.operator("DEPTHWISE_CONV_2D", [a, v], [b], padding="SAME", depthMultiplier=1, **step)
    writer.operator("ADD", [a, b], [c], fusedActivationFunction="RELU")
    pool = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    writer.operator("MAX_POOL_2D", [c], [d], padding="SAME", **pool)
    writer.operator("MEAN", [d, writer.constant(np.array([1, 2], np.int32), name="axes")], [e])
    u = weights("u", (3, 4), 0.01)
    writer.operator("FULLY_CONNECTED", [e, u, bias("ub", 3)], [f])
    writer.operator("SOFTMAX", [f], [g], beta=1.0)
    writer.operator("DEQUANTIZE", [g], [y])
    return writer


def moves_net() -> Writer:
    """Slices, joins, comparisons, tables, resizing, memory: the operators `conv_net` lacks."""
    rng = np.random.default_rng(2)
    writer = Writer()
    same = {"scale": 0.1, "zero_point": 3}

    def step(code, inputs, shape, dtype="int8", quantization=same, **options):
        y = writer.tensor(shape, dtype, **quantization)
        writer.operator(code, inputs, [y], **options)
        return y

    def numbers(*values):
        return writer.constant(np.array(values, np.int32))

    x = writer.input((1, 4, 4, 2), "int8", **same)
    part = step(
        "STRIDED_SLICE",
        [x, numbers(0, 1, 0, 0), numbers(1, 4, 4, 2), numbers(1, 2, 1, 1)],
        (1, 2, 4, 2),
    )
    both = step("CONCATENATION", [part, part], (1, 4, 4, 2), axis=1)
    turned = step("TRANSPOSE", [both, numbers(0, 2, 1, 3)], (1, 4, 4, 2))
    large = step("RESIZE_BILINEAR", [turned, numbers(6, 6)], (1, 6, 6, 2))
    small = step("RESIZE_NEAREST_NEIGHBOR", [large, numbers(4, 4)], (1, 4, 4, 2))
    larger = step("GREATER", [small, x], (1, 4, 4, 2), "bool", {})
    chosen = step("SELECT_V2", [larger, small, x], (1, 4, 4, 2))
    product = step("MUL", [chosen, x], (1, 4, 4, 2), quantization={"scale": 0.5})
    slope = writer.constant(rng.integers(-9, 9, (1, 1, 2)).astype(np.int8), scale=0.1)
    bent = step("PRELU", [product, slope], (1, 4, 4, 2), quantization={"scale": 0.5})
    smooth = step("TANH", [bent], (1, 4, 4, 2), quantization={"scale": 2.0**-7})
    weights = writer.constant(rng.integers(-99, 99, (3, 2, 2, 2)).astype(np.int8), scale=0.01)
    spread = step(
        "TRANSPOSE_CONV",
        [numbers(1, 8, 8, 3), weights, smooth],
        (1, 8, 8, 3),
        quantization={"scale": 0.02},
        strideH=2,
        strideW=2,
    )
    rows = step("REDUCE_MAX", [spread, numbers(1, 3)], (1, 8), quantization={"scale": 0.02})
    features = writer.constant(rng.integers(-99, 99, (4, 8)).astype(np.int8), scale=0.01)
    times = writer.constant(rng.integers(-999, 999, (4, 3)).astype(np.int16), scale=0.001)
    memory = writer.tensor((1, 12), "int16", 0.001, is_variable=True)
    bias = writer.constant(np.zeros(2, np.int32), scale=1e-6)
    y = writer.output((1, 2), "int8", 0.05)
    writer.operator("SVDF", [rows, features, times, bias, memory], [y], rank=2)
    return writer
