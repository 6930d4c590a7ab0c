"""Files of every operator with single parameters changed: each is refused, or its graph runs."""

import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

from qembed.backends import reference
from qembed.errors import QembedError
from qembed.importers import import_bytes

OPS = Path(__file__).parents[1] / "ops"
REALS = (0.0, 1e-45, 1e-38, 1e-20, 1e-9, 0.5, 1.0, 1e9, 3e38, np.inf, np.nan, -1.0)
WHOLE = (0, 1, -1, 2, 3, 127, -128, 255, 1000, -1000, 2**31 - 1, -(2**31), 2**20)
SIZES = (0, 1, 2, 3, 5, 100, 70000, 2**31 - 1, -1)
TYPES = (0, 2, 3, 4, 6, 7, 9, 17)
ENUMS = (
    "fusedActivationFunction",
    "padding",
    "mode",
    "outputType",
    "quantizedBiasType",
    "weightsFormat",
    "quantSpec",
)
ROUNDS = 40


def generators():
    """Return the generators of .tflite files in tests/ops: functions of one argument, `rng`."""
    for path in sorted(OPS.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"fuzzed_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not hasattr(module, "test_equals_tflm"):
            continue
        for name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = inspect.signature(function).parameters.values()
            needed = [p.name for p in parameters if p.default is inspect.Parameter.empty]
            if function.__module__ == module.__name__ and needed == ["rng"]:
                yield pytest.param(function, id=f"{path.stem[5:]}-{name}")


def pick(rng, options):
    return options[int(rng.integers(len(options)))]


def change(writer, rng):
    """Change one thing: a scale, a zero point, a shape, a type, an option, contents or an edge."""
    op, tensor = writer.graph.operators[0], pick(rng, writer.graph.tensors)
    kind = int(rng.integers(7))
    if kind == 0 and tensor.quantization is not None:
        tensor.quantization.scale = [float(pick(rng, REALS)) for _ in tensor.quantization.scale]
    elif kind == 1 and tensor.quantization is not None:
        tensor.quantization.zeroPoint = [pick(rng, WHOLE) for _ in tensor.quantization.zeroPoint]
    elif kind == 2 and len(tensor.shape):
        tensor.shape[int(rng.integers(len(tensor.shape)))] = pick(rng, SIZES)
    elif kind == 3:
        tensor.type = pick(rng, TYPES)
    elif kind == 4 and op.builtinOptions is not None:
        change_option(op.builtinOptions, rng)
    elif kind == 5:
        change_contents(pick(rng, writer.model.buffers), rng)
    elif kind == 6 and op.inputs:
        op.inputs[int(rng.integers(len(op.inputs)))] = int(
            rng.integers(-1, len(writer.graph.tensors))
        )


def change_option(options, rng):
    for name, value in vars(options).items():
        if rng.random() < 0.5:
            continue
        if isinstance(value, bool):
            setattr(options, name, not value)
        elif isinstance(value, float):
            setattr(options, name, float(pick(rng, REALS)))
        elif isinstance(value, int):
            bytes_wide = name in ENUMS
            setattr(options, name, int(rng.integers(6)) if bytes_wide else pick(rng, WHOLE))


def change_contents(buffer, rng):
    if buffer.data is None or len(buffer.data) < 4:
        return
    data = np.array(buffer.data, np.uint8)
    at = int(rng.integers(len(data) // 4)) * 4
    data[at : at + 4] = np.frombuffer(np.int32(pick(rng, WHOLE)).tobytes(), np.uint8)
    buffer.data = data[: pick(rng, (len(data), len(data), len(data) - 4))]


def random_input(tensor, rng):
    shape = (1, *tensor.shape)
    if tensor.dtype in ("bool", "float32"):
        return rng.normal(size=shape).astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    return rng.integers(limits.min, limits.max, shape).astype(tensor.dtype)


@pytest.mark.parametrize("make", list(generators()))
def test_a_changed_file_is_refused_or_runs(make):
    for seed in range(ROUNDS):
        rng = np.random.default_rng(seed)
        writer, _ = make(rng)
        change(writer, rng)
        try:
            graph = import_bytes(writer.bytes(), "changed")
        except QembedError:
            continue
        if sum(tensor.nbytes for tensor in graph.tensors) > 100_000:
            continue
        values = reference.trace(graph, [random_input(graph.tensors[i], rng) for i in graph.inputs])
        for index, array in values.items():
            tensor = graph.tensors[index]
            assert (array.shape[1:], array.dtype.name) == (tensor.shape, tensor.dtype), seed
