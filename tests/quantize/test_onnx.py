"""A MobileNet as .onnx, channels first, becomes integers that the judge computes alike."""

import numpy as np
import pytest

pytest.importorskip("onnx")

from qembed.backends.host import HostModel
from qembed.floats.lowering import Encoding, encode
from qembed.importers import import_float_model
from qembed.quantize import Settings, quantize
from qembed.quantize.agreement import compare
from qembed.tflite import writer
from support.onnx_networks import images, real_network
from support.tflm import Interpreter


def test_a_mobilenet(tmp_path):
    path, data = tmp_path / "net.onnx", images(60)
    path.write_bytes(real_network(0).SerializeToString())
    graph = import_float_model(path)
    made = quantize(graph, [data[:40]], Settings(range_method="min-max", equalize=0.5))
    assert compare(made.real, made.graph, [data[40:]]).sqnr > 30

    tensor = made.graph.tensors[made.graph.inputs[0]]
    steps = encode(data[:4], Encoding(tensor.dtype, tensor.quantization))
    (ours,), (theirs,) = (
        HostModel(made.graph).run([steps]),
        Interpreter(writer.write(made.file)).run([steps]),
    )
    np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
