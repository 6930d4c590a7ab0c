"""Every float operator becomes integers, which the judge computes to the same bytes."""

import numpy as np
import pytest

from qembed.backends.host import HostModel
from qembed.errors import UnsupportedError
from qembed.floats import executor
from qembed.floats.lowering import Encoding, encode
from qembed.quantize.agreement import compare
from qembed.quantize.calibration import calibrate
from qembed.quantize.integers import build
from qembed.quantize.layers import Recipe
from qembed.quantize.prepare import prepared
from qembed.tflite import writer
from support.float_layers import MAKERS
from support.tflm import Interpreter

SMALLEST_DB = {"int8": 18.0, "int16": 40.0}
NO_INTEGER_FORM = {"int8": (), "int16": ("normalize", "reduce", "resize")}
UNJUDGED = {("gather", "int16"), ("mirror_pad", "int16")}  # TFLite Micro has no such kernels


def quantized(stem, seed, recipe):
    rng = np.random.default_rng(seed)
    graph = prepared(MAKERS[stem](rng))
    shapes = [graph.tensors[i].shape for i in graph.inputs]
    inputs = [rng.standard_normal((8, *shape)).astype(np.float32) for shape in shapes]
    decisions = calibrate(graph, inputs, recipe)
    integers, file = build(graph, decisions.encodings, decisions.layers)
    return graph, inputs, integers, file


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("stem", MAKERS)
@pytest.mark.parametrize("seed", range(4))
def test_integers_follow_the_float_layer_and_equal_tflm(stem, seed, dtype):
    try:
        graph, inputs, integers, file = quantized(stem, seed, Recipe(dtype))
    except UnsupportedError as error:
        assert stem in NO_INTEGER_FORM[dtype], error
        assert "without a form in these integers" in str(error) and "'y'" in str(error)
        return
    (y,) = executor.run(graph, inputs)
    if np.square(y).sum() > 0:
        assert compare(graph, integers, inputs).sqnr > SMALLEST_DB[dtype]
    if (stem, dtype) in UNJUDGED:
        return
    tensors = [integers.tensors[i] for i in integers.inputs]
    steps = [
        encode(x, Encoding(t.dtype, t.quantization)) for x, t in zip(inputs, tensors, strict=True)
    ]
    (ours,) = HostModel(integers).run(steps)
    (theirs,) = Interpreter(writer.write(file)).run(steps)
    np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
