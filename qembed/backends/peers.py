"""Desktop interpreters as contenders of the host form: prepared once, called many times.

Each runs in this process with one thread and is called with arrays, as the host form is. (For what
they compute, see `runtimes`.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qembed.backends.onnx_peer import onnx_bytes
from qembed.errors import QembedError, ToolError
from qembed.ir import AnyArray, Graph

Call = Callable[[], object]
QUANTIZED_DIMENSION = 16
"""Field in the table of a tensor's quantization."""


def repaired(raw: bytes) -> bytes:
    """Copy of a .tflite file without what keeps LiteRT from running it, or from batches.

    Older converters wrote quantized dimensions that a tensor does not have; a tensor of lower rank
    has its channels along dimension 0. RESHAPE to one row becomes one to any number of rows.
    """
    from tflite import BuiltinOperator, Model

    data, model = bytearray(raw), Model.GetRootAs(raw, 0)
    for number in range(model.SubgraphsLength()):
        subgraph = model.Subgraphs(number)
        for index in range(subgraph.TensorsLength()):
            tensor = subgraph.Tensors(index)
            quantization = tensor.Quantization()
            if quantization and quantization.QuantizedDimension() >= max(tensor.ShapeLength(), 1):
                at = quantization._tab.Pos + quantization._tab.Offset(QUANTIZED_DIMENSION)
                data[at : at + 4] = bytes(4)
        for index in range(subgraph.OperatorsLength()):
            operator = subgraph.Operators(index)
            code = model.OperatorCodes(operator.OpcodeIndex())
            is_reshape = code.BuiltinCode() == BuiltinOperator.RESHAPE
            if is_reshape and operator.InputsLength() > 1:
                _free_rows(data, model, subgraph.Tensors(operator.Inputs(1)))
    return bytes(data)


def _free_rows(data: bytearray, model: Any, shape: Any) -> None:
    """Make the first of a constant shape's dimensions -1, if it is 1."""
    content = model.Buffers(shape.Buffer())
    if content.DataLength() >= 8 and content.DataAsNumpy()[:4].tobytes() == b"\1\0\0\0":
        start = content._tab.Vector(content._tab.Offset(4))  # the only field of a buffer
        data[start : start + 4] = b"\xff" * 4


def litert(raw: bytes, x: AnyArray, kernels: str) -> Call:
    """LiteRT on a batch: "AUTO" as it comes, with XNNPACK, or "BUILTIN_REF"."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=repaired(raw),
        num_threads=1,
        experimental_op_resolver_type=getattr(OpResolverType, kernels),
    )
    details = interpreter.get_input_details()[0]
    shape = (len(x) * details["shape"][0], *details["shape"][1:])
    interpreter.resize_tensor_input(details["index"], shape)
    interpreter.allocate_tensors()
    x = x.reshape(shape)
    out = interpreter.get_output_details()[0]["index"]

    def call() -> object:
        interpreter.set_tensor(details["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(out)

    call()
    return call


def tflite_micro(raw: bytes, x: AnyArray) -> Call:
    """TFLite Micro's interpreter; one sample a call."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(raw)

    def call() -> object:
        interpreter.set_input(x[0], 0)
        interpreter.invoke()
        return interpreter.get_output(0)

    return call


def onnx_runtime(graph: Graph, x: AnyArray) -> Call:
    """ONNX Runtime on a batch, with uint8 activations, which its kernels are fastest with."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        onnx_bytes(graph), options, providers=["CPUExecutionProvider"]
    )
    given = {"x": (x.view(np.uint8) ^ 0x80).reshape(-1, *x.shape[2:])}

    def call() -> object:
        return session.run(None, given)

    call()
    return call


PEERS = ("LiteRT", "LiteRT reference", "tflite-micro", "ONNX Runtime")
BATCHES_OF = {"LiteRT reference": (1,), "tflite-micro": (1,)}
"""Those that gain nothing from batches."""


def prepare(peer: str, raw: bytes | None, graph: Graph, x: AnyArray) -> Call:
    """Make a peer ready for a batch (B, *shape).

    Parameters
    ----------
    peer : str
        One of `PEERS`.
    raw : bytes, optional
        The .tflite file that the graph was imported from.

    Raises
    ------
    ToolError
        If it is not installed, or does not take this network.
    """
    if raw is None and peer != "ONNX Runtime":
        raise ToolError("the model is no .tflite file")
    if len(graph.inputs) != 1:
        raise ToolError("the model has several inputs")
    try:
        if peer == "ONNX Runtime":
            return onnx_runtime(graph, x)
        assert raw is not None
        if peer == "tflite-micro":
            return tflite_micro(raw, x)
        return litert(raw, x, "AUTO" if peer == "LiteRT" else "BUILTIN_REF")
    except ImportError as error:
        raise ToolError(f"Python package {error.name} is not installed") from None
    except QembedError:
        raise
    except Exception as error:  # each has errors of its own
        raise ToolError((str(error).strip().splitlines() or [type(error).__name__])[0]) from None
