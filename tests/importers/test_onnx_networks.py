"""Whole networks: every byte of ONNX Runtime in its profile; the chip's in the others."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from onnxruntime.quantization import QuantFormat, QuantType

from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.importers import import_bytes
from support import native
from support.onnx_files import run
from support.onnx_networks import images, quantized_by_hand, quantized_by_tool

COUNT = 200


def equal_in_every_byte(raw: bytes, count: int = COUNT) -> None:
    graph = import_bytes(raw, "mobilenet", "onnxruntime")
    inputs = [images(count)]
    (theirs,), (ours,) = run(raw, inputs), HostModel(graph).run(inputs)
    assert len(np.unique(theirs)) > 30, "outputs hardly vary"
    assert ours.dtype == theirs.dtype
    assert ours.tobytes() == theirs.tobytes()
    few = [inputs[0][:3]]
    assert reference.run(graph, few)[0].tobytes() == theirs[:3].tobytes()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("seed", range(3))
def test_a_mobilenet_equals_onnxruntime(seed, dtype):
    equal_in_every_byte(quantized_by_hand(seed, dtype))


OPTIONS = {
    "int8 per channel": {"activation_type": QuantType.QInt8, "per_channel": True},
    "uint8 per channel": {"activation_type": QuantType.QUInt8, "per_channel": True},
    "uint8 operators": {"activation_type": QuantType.QUInt8, "quant_format": QuantFormat.QOperator},
    "uint8 weights": {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_network_quantized_by_its_tool_equals_onnxruntime(tmp_path, options):
    equal_in_every_byte(
        quantized_by_tool(tmp_path, 1, **{"weight_type": QuantType.QInt8, **options})
    )


def test_the_chip_computes_what_the_desk_computes():
    graph = import_bytes(quantized_by_hand(0), "mobilenet", "tflm")
    inputs = [images(4)]
    (ours,) = HostModel(graph).run(inputs)
    assert native.run(graph, inputs)[0].tobytes() == ours.tobytes()
    assert reference.run(graph, inputs)[0].tobytes() == ours.tobytes()


def test_only_the_input_is_transposed():
    graph = import_bytes(quantized_by_hand(0), "mobilenet", "tflm")
    stems = [node.op for node in graph.nodes]
    assert stems.count("transpose") == 1
    assert stems[:3] == ["quantize", "transpose", "conv"]
    assert graph.tensors[graph.inputs[0]].shape == (1, 3, 24, 24)
    assert not {"pad", "pair_lookup"} & set(stems)
