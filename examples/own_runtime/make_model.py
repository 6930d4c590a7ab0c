"""Write model.npz and weights.h: one dense layer, for qembed and for somebody else's runtime."""

import sys
from pathlib import Path

import numpy as np

from qembed import container
from qembed.arithmetic import requantization
from qembed.ir import Graph, Node, Quantization, Tensor
from qembed.ops.fully_connected import FullyConnected

INPUTS, OUTPUTS = 16, 4


def make_graph() -> Graph:
    rng = np.random.default_rng(1)
    layer = FullyConnected(
        weights=rng.integers(-127, 128, (OUTPUTS, INPUTS)).astype(np.int8),
        bias=rng.integers(-2000, 2000, OUTPUTS).astype(np.int32),
        requantization=requantization(np.array([0.0021]), "double"),
        input_zero_point=-3,
        output_zero_point=5,
        activation_range=(-128, 127),
    )
    return Graph(
        name="dense",
        tensors=(
            Tensor("x", (1, INPUTS), "int8", Quantization(0.5, -3)),
            Tensor("y", (1, OUTPUTS), "int8", Quantization(0.25, 5)),
        ),
        nodes=(Node("dense", "fully_connected", layer, (0,), (1,)),),
        inputs=(0,),
        outputs=(1,),
    )


def header(graph: Graph) -> str:
    layer = graph.nodes[0].params
    by = layer.requantization

    def array(kind, name, values):
        numbers = ", ".join(map(str, np.ravel(values).tolist()))
        return f"static const {kind} {name}[] = {{{numbers}}};\n"

    return (
        array("uint8_t", "model_hash", list(container.graph_hash(graph)))
        + array("int8_t", "weights", layer.weights)
        + array("int32_t", "bias", layer.bias)
        + f"enum {{ MULTIPLIER = {by.multiplier[0]}, SHIFT = {by.shift[0]} }};\n"
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    container.save(make_graph(), folder / "model.npz")
    (folder / "weights.h").write_text(header(make_graph()))
