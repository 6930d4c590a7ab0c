"""A small MobileNetV2 as .onnx: real numbers, quantized by hand, or by ONNX Runtime's own tool."""

from __future__ import annotations

import numpy as np
import onnx

from support.onnx_files import File

BLOCKS = ((8, 1, 1), (12, 3, 2), (12, 3, 1), (16, 3, 2), (16, 3, 1))
"""Channels, expansion and stride of each inverted residual."""
CLASSES = 10
SIZE = 24


class QuantizedNet:
    """Builds the network layer by layer, as QDQ with a scale for each channel of the weights."""

    def __init__(self, rng, dtype) -> None:
        self.rng, self.dtype, self.file = rng, dtype, File()
        self.low = np.iinfo(dtype).min

    def activation(self, x: str, scale: float, zero_point: int) -> tuple[str, float, int]:
        """Quantize and dequantize; the zero point counts from the lowest value."""
        point = self.dtype(self.low + zero_point)
        quantized = self.file.quantize(x, scale, point)
        return self.file.dequantize(quantized, scale, point), scale, zero_point

    def parameters(self, shape, x_scale: float, axis: int = 0) -> list[str]:
        weights = np.clip(np.rint(self.rng.normal(0, 40, shape)), -127, 127).astype(np.int8)
        fan_in = int(np.prod(shape)) // shape[axis]
        scales = (self.rng.uniform(0.5, 1.5, shape[axis]) / (40 * np.sqrt(fan_in))).astype(
            np.float32
        )
        bias = np.rint(self.rng.normal(0, 0.2, shape[axis]) / (x_scale * scales)).astype(np.int32)
        bias_scales = (np.float32(x_scale) * scales).astype(np.float32)
        return [
            self.file.weights(weights, scales, axis),
            self.file.weights(bias, bias_scales),
        ]

    def conv(self, x, channels: tuple[int, int], kernel: int, stride=1, group=1, relu6=True):
        name, scale, _ = x
        shape = (channels[1], channels[0] // group, kernel, kernel)
        real = self.file.node(
            "Conv",
            [name, *self.parameters(shape, scale)],
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=group,
        )
        if not relu6:
            return self.activation(real, float(self.rng.uniform(0.03, 0.05)), 130)
        ends = [self.file.constant(np.float32(end)) for end in (0, 6)]
        # A scale that the clip does not cut into: its range ends at 6, or before.
        return self.activation(
            self.file.node("Clip", [real, *ends]), float(self.rng.uniform(0.015, 0.0234)), 0
        )

    def block(self, x, channels: int, out: int, expansion: int, stride: int):
        y, inner = x, channels * expansion
        if expansion > 1:
            y = self.conv(y, (channels, inner), 1)
        y = self.conv(y, (inner, inner), 3, stride, group=inner)
        y = self.conv(y, (inner, out), 1, relu6=False)
        if stride == 1 and channels == out:
            real = self.file.node("Add", [x[0], y[0]])
            y = self.activation(real, float(self.rng.uniform(0.04, 0.07)), 128)
        return y


def quantized_by_hand(seed: int, dtype=np.int8) -> bytes:
    """Seeded random weights and scales of a realistic size; float32 in and out."""
    net = QuantizedNet(np.random.default_rng(seed), dtype)
    x = net.activation(net.file.input("image", np.float32, ["batch", 3, SIZE, SIZE]), 0.02, 128)
    y, channels = net.conv(x, (3, 8), 3, 2), 8
    for out, expansion, stride in BLOCKS:
        y, channels = net.block(y, channels, out, expansion, stride), out
    y = net.conv(y, (channels, 32), 1)
    pooled = net.activation(net.file.node("GlobalAveragePool", [y[0]]), 0.012, 0)
    flat = net.file.node("Flatten", [pooled[0]])
    logits = net.file.node("Gemm", [flat, *net.parameters((CLASSES, 32), 0.012)], transB=1)
    net.file.output(net.activation(logits, 0.03, 120)[0], np.float32)
    return net.file.bytes()


def real_network(seed: int) -> onnx.ModelProto:
    """The same network of real numbers, weights of unit gain."""
    rng = np.random.default_rng(seed)
    file = File(opset=17)

    def parameters(shape):
        fan_in = int(np.prod(shape[1:]))
        weights = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        bias = rng.normal(0, 0.1, shape[0]).astype(np.float32)
        return [file.constant(weights), file.constant(bias)]

    def conv(x, channels, kernel, stride=1, group=1, relu6=True):
        shape = (channels[1], channels[0] // group, kernel, kernel)
        attributes = {"strides": [stride] * 2, "pads": [kernel // 2] * 4, "group": group}
        real = file.node("Conv", [x, *parameters(shape)], **attributes)
        ends = [file.constant(np.float32(end)) for end in (0, 6)]
        return file.node("Clip", [real, *ends]) if relu6 else real

    y, channels = conv(file.input("image", np.float32, [1, 3, SIZE, SIZE]), (3, 8), 3, 2), 8
    for out, expansion, stride in BLOCKS:
        inner, x = channels * expansion, y
        y = conv(y, (channels, inner), 1) if expansion > 1 else y
        y = conv(y, (inner, inner), 3, stride, group=inner)
        y = conv(y, (inner, out), 1, relu6=False)
        if stride == 1 and channels == out:
            y = file.node("Add", [x, y])
        channels = out
    y = conv(y, (channels, 32), 1)
    flat = file.node("Flatten", [file.node("GlobalAveragePool", [y])])
    file.output(file.node("Gemm", [flat, *parameters((CLASSES, 32))], transB=1), np.float32)
    return onnx.load_from_string(file.bytes())


def images(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures, (count, 1, 3, SIZE, SIZE), some of them out of range."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1.2, (count, 1, 3, SIZE // 4, SIZE // 4))
    fine = np.kron(coarse, np.ones((4, 4))) + rng.normal(0, 0.3, (count, 1, 3, SIZE, SIZE))
    return fine.astype(np.float32)


def quantized_by_tool(folder, seed: int, **options) -> bytes:
    """The network of real numbers, quantized by `onnxruntime.quantization`."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.samples = iter(images(16, 99))

        def get_next(self):
            sample = next(self.samples, None)
            return None if sample is None else {"image": sample}

    source, target = folder / "real.onnx", folder / "quantized.onnx"
    onnx.save(real_network(seed), source)
    quantize_static(source, target, Reader(), **options)
    return target.read_bytes()
