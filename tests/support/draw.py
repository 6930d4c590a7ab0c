"""Random parameters of layers, drawn so that outputs use their whole range, clamps included."""

from __future__ import annotations

import numpy as np

from support.tflite_writer import Writer

ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")
SAMPLES = 3


def choice(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]


def integer(rng: np.random.Generator, low: int, high: int) -> int:
    """Inclusive on both ends."""
    return int(rng.integers(low, high + 1))


def scale(rng: np.random.Generator, low: float = -8, high: float = 0) -> float:
    """A float32 between 2**low and 2**high."""
    return float(np.float32(2.0 ** rng.uniform(low, high)))


def zero_point(rng: np.random.Generator, dtype: str = "int8") -> int:
    if dtype == "int16":
        return 0
    return choice(rng, (-128, 127, 0, integer(rng, -128, 127)))


def activations(rng: np.random.Generator, shape, dtype: str = "int8") -> np.ndarray:
    """A batch: one sample uniform, one with extremes only, one narrow."""
    limits = np.iinfo(dtype)
    batch = rng.integers(limits.min, limits.max + 1, (SAMPLES, *shape))
    batch[1] = np.where(rng.random(shape) < 0.5, limits.min, limits.max)
    batch[2] = np.clip(batch[2] // 16, limits.min, limits.max)
    return batch.astype(dtype)


def weights(rng: np.random.Generator, shape, bits: int = 8) -> np.ndarray:
    limit = 1 << (bits - 1)
    return rng.integers(-limit + 1, limit, shape).astype(np.int8)


def channel_scales(rng: np.random.Generator, channels: int) -> list[float]:
    """Either one scale or one per channel."""
    count = channels if rng.random() < 0.7 else 1
    return [scale(rng, -10, -4) for _ in range(count)]


def sum_scale(
    rng: np.random.Generator, x_scale: float, w_scale, taps: int, dtype: str, bits: int = 8
) -> float:
    """An output scale with which sums of `taps` products fill the output type, more or less."""
    typical = np.sqrt(taps) * 2.0 ** (bits - 1) * (74 if dtype == "int8" else 18000)
    steps = rng.uniform(20, 150) * (1 if dtype == "int8" else 200)
    return float(np.float32(x_scale * np.mean(w_scale) * typical / steps))


def bias(rng: np.random.Generator, channels: int, taps: int, dtype: str = "int32") -> np.ndarray:
    limit = 3000 * int(np.sqrt(taps)) * (1 if dtype == "int32" else 200)
    return rng.integers(-limit, limit + 1, channels).astype(dtype)


def sliding(rng: np.random.Generator, kernel, stride, dilation=(1, 1)):
    """Padding scheme, input size and output size of a window that fits."""
    size = integer(rng, 1, 9), integer(rng, 1, 9)
    padding = choice(rng, ("SAME", "VALID"))
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if padding == "SAME":
        return padding, size, [-(-n // s) for n, s in zip(size, stride, strict=True)]
    size = max(size[0], extent[0]), max(size[1], extent[1])
    return padding, size, [(n - e) // s + 1 for n, e, s in zip(size, extent, stride, strict=True)]


def pool(rng: np.random.Generator, code: str, dtype: str):
    """A file with one pooling layer, and inputs."""
    window = integer(rng, 1, 4), integer(rng, 1, 4)
    stride = integer(rng, 1, 3), integer(rng, 1, 3)
    padding, (height, width), size = sliding(rng, window, stride)
    batch, channels = choice(rng, (1, 1, 2)), integer(rng, 1, 9)
    # Small scales let the fused activations clamp something.
    quantization = scale(rng, -9, -2), zero_point(rng, dtype)
    writer = Writer()
    x = writer.input((batch, height, width, channels), dtype, *quantization)
    y = writer.output((batch, *size, channels), dtype, *quantization)
    writer.operator(
        code,
        [x],
        [y],
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        filterHeight=window[0],
        filterWidth=window[1],
        fusedActivationFunction=choice(rng, ACTIVATIONS),
    )
    return writer, [activations(rng, (batch, height, width, channels), dtype)]


def broadcast(shape1, shape2):
    return tuple(np.broadcast_shapes(shape1, shape2))


PAIRS_OF_SHAPES = (
    ((1, 4, 4, 3), (1, 4, 4, 3)),
    ((1, 16), (1, 16)),
    ((1, 4, 4, 3), (3,)),
    ((1, 1, 1, 3), (1, 4, 4, 3)),
    ((2, 3, 1), (2, 1, 5)),
    ((1, 8), (1, 1)),
    ((7,), ()),
)


def binary(
    rng: np.random.Generator,
    code: str,
    dtype: str,
    tied: bool = False,
    output_dtype: str | None = None,
    scales: tuple[float, float] = (-6, -0.1),
    **options,
):
    """A file with one operator on two inputs, the second sometimes a constant; and inputs."""
    shape1, shape2 = choice(rng, PAIRS_OF_SHAPES)
    same = scale(rng, *scales), zero_point(rng, dtype)
    quantizations = [
        same if tied else (scale(rng, *scales), zero_point(rng, dtype)) for _ in range(2)
    ]
    writer = Writer()
    x1 = writer.input(shape1, dtype, *quantizations[0])
    array1, array2 = activations(rng, shape1, dtype), activations(rng, shape2, dtype)
    constant = rng.random() < 0.3
    if constant:
        x2 = writer.constant(array2[0], scale=quantizations[1][0], zero_point=quantizations[1][1])
    else:
        x2 = writer.input(shape2, dtype, *quantizations[1])
    shape = broadcast(shape1, shape2)
    if output_dtype is not None:
        y = writer.output(shape, output_dtype)
    elif tied:
        y = writer.output(shape, dtype, *same)
    else:
        # What a product of two values would need, more or less.
        spread = quantizations[0][0] * quantizations[1][0] * (60 if dtype == "int8" else 9000)
        y_scale = float(np.float32(spread * 2 ** rng.uniform(-2, 3)))
        y = writer.output(shape, dtype, y_scale, zero_point(rng, dtype))
    if code in ("MUL", "ADD", "SUB"):
        options["fusedActivationFunction"] = choice(rng, ACTIVATIONS)
    writer.operator(code, [x1, x2], [y], **options)
    return writer, [array1] if constant else [array1, array2]


def resize(rng: np.random.Generator, code: str, dtype: str):
    """A file that resizes an image, up or down, and inputs."""
    shape = (integer(rng, 1, 2), integer(rng, 1, 9), integer(rng, 1, 9), integer(rng, 1, 4))
    size = integer(rng, 1, 17), integer(rng, 1, 17)
    corners, centers = choice(rng, ((False, False), (True, False), (False, True)))
    quantization = scale(rng), zero_point(rng, dtype)
    writer = Writer()
    x = writer.input(shape, dtype, *quantization)
    y = writer.output((shape[0], *size, shape[3]), dtype, *quantization)
    operands = [x, writer.constant(np.array(size, np.int32))]
    writer.operator(code, operands, [y], alignCorners=corners, halfPixelCenters=centers)
    return writer, [activations(rng, shape, dtype)]
