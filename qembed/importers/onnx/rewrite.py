"""Operators that hold quantization and arithmetic in one, as the same in three kinds of nodes.

QLinearConv is DequantizeLinear of its operands, Conv and QuantizeLinear. After this pass a file is
in the second of the two ways in which quantized networks are written ("QDQ"), whichever it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qembed.errors import UnsupportedError
from qembed.importers.onnx.reader import Model, Node
from qembed.ir import AnyArray

Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Form:
    """Where an operator keeps what.

    Attributes
    ----------
    code : str
        The operator on real numbers.
    operands : tuple of (int, int, int)
        Positions of values, scale and zero point of each operand.
    output : (int, int)
        Positions of scale and zero point of the output.
    bias : int, optional
        Position of an int32 bias on the product of the first two scales.
    axis : int
        Of the scales of the second operand, if it has several.
    """

    code: str
    operands: tuple[Triple, ...]
    output: tuple[int, int]
    bias: int | None = None
    axis: int = 0


ONE: tuple[Triple, ...] = ((0, 1, 2),)
TWO: tuple[Triple, ...] = ((0, 1, 2), (3, 4, 5))
FORMS: dict[str, Form] = {
    "QGemm": Form("Gemm", TWO, (7, 8), bias=6),
    "QLinearAdd": Form("Add", TWO, (6, 7)),
    "QLinearAveragePool": Form("AveragePool", ONE, (3, 4)),
    "QLinearConv": Form("Conv", TWO, (6, 7), bias=8),
    "QLinearGlobalAveragePool": Form("GlobalAveragePool", ONE, (3, 4)),
    "QLinearLeakyRelu": Form("LeakyRelu", ONE, (3, 4)),
    "QLinearMatMul": Form("MatMul", TWO, (6, 7), axis=-1),
    "QLinearMul": Form("Mul", TWO, (6, 7)),
    "QLinearSigmoid": Form("Sigmoid", ONE, (3, 4)),
    "QLinearSoftmax": Form("Softmax", ONE, (3, 4)),
}


def rewrite(model: Model) -> Model:
    """Return the model with every operator of `FORMS`, and QLinearConcat, taken apart."""
    constants = dict(model.constants)
    nodes: list[Node] = []
    for node in model.nodes:
        if node.code == "QLinearConcat":
            operands = tuple((i, i + 1, i + 2) for i in range(2, len(node.inputs) - 2, 3))
            nodes += _apart(node, Form("Concat", operands, (0, 1)), constants)
        elif node.code in FORMS:
            nodes += _apart(node, FORMS[node.code], constants)
        else:
            nodes.append(node)
    return replace(model, nodes=tuple(nodes), constants=constants)


def _apart(node: Node, form: Form, constants: dict[str, AnyArray]) -> list[Node]:
    if node.attributes.get("channels_last"):
        raise UnsupportedError(f"{node.code} '{node.outputs[0]}' with channels_last")
    before, names = [], []
    for number, (value, scale, zero_point) in enumerate(form.operands):
        if value >= len(node.inputs):
            break
        names.append(f"{node.outputs[0]}/operand {number}")
        axis = _axis(form, node) if number == 1 else 1
        inputs = tuple(_input(node, i) for i in (value, scale, zero_point))
        before.append(_node(node, "DequantizeLinear", inputs, names[-1], {"axis": axis}))
    if form.bias is not None and _input(node, form.bias):
        scale_name, bias = f"{node.outputs[0]}/bias scale", f"{node.outputs[0]}/bias"
        constants[scale_name] = _bias_scale(node, form, constants)
        inputs = (_input(node, form.bias), scale_name)
        before.append(_node(node, "DequantizeLinear", inputs, bias, {"axis": 0}))
        names.append(bias)
    real = f"{node.outputs[0]}/real"
    layer = replace(node, code=form.code, inputs=tuple(names), outputs=(real,))
    target = (real, *(_input(node, i) for i in form.output))
    return [*before, layer, _node(node, "QuantizeLinear", target, node.outputs[0], {})]


def _axis(form: Form, node: Node) -> int:
    if form.code == "Gemm":
        return 0 if node.attributes.get("transB") else 1
    return form.axis


def _bias_scale(node: Node, form: Form, constants: Mapping[str, AnyArray]) -> AnyArray:
    one, other = (constants.get(node.inputs[operand[1]]) for operand in form.operands)
    if one is None or other is None:
        raise UnsupportedError(f"{node.code} '{node.outputs[0]}' has scales that are not constant")
    product: AnyArray = np.float32(one.reshape(-1)[:1]) * other.reshape(-1).astype(np.float32)
    return product[0] if product.size == 1 else product


def _input(node: Node, index: int) -> str:
    return node.inputs[index] if index < len(node.inputs) else ""


def _node(
    node: Node, code: str, inputs: tuple[str, ...], output: str, attributes: Mapping[str, int]
) -> Node:
    return replace(node, code=code, inputs=inputs, outputs=(output,), attributes=attributes)
