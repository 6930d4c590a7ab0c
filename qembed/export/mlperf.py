"""Which MLPerf Tiny benchmark a model is, and how its firmware answers the runner."""

from __future__ import annotations

from dataclasses import dataclass

from qembed.boards import Board
from qembed.errors import UnsupportedError
from qembed.ir import Graph, Tensor


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark of the suite.

    Attributes
    ----------
    model_id : str
        As the runner knows it, and the name of its data set.
    kind : str
        ``qe_mlperf_kind``: how the runner's data become the input.
    input_bytes, outputs : int
        Of the model; they tell which benchmark it is.
    data_bytes : int
        What the runner sends for one input.
    """

    model_id: str
    kind: str
    input_bytes: int
    outputs: int
    data_bytes: int


BENCHMARKS = (
    Benchmark("kws01", "QE_MLPERF_SIGNED", 490, 12, 490),
    Benchmark("ic01", "QE_MLPERF_UNSIGNED", 3072, 10, 3072),
    Benchmark("vww01", "QE_MLPERF_UNSIGNED", 27648, 2, 27648),
    Benchmark("ad01", "QE_MLPERF_AUTOENCODER", 640, 640, 2560),
)


def benchmark_of(graph: Graph) -> Benchmark:
    """Return the benchmark that a model is made for.

    Raises
    ------
    UnsupportedError
        If it is none of the suite: they are told by the sizes of input and output.
    """
    x, y = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    for benchmark in BENCHMARKS:
        sizes = (x.nbytes, y.nbytes) == (benchmark.input_bytes, benchmark.outputs)
        if sizes and _quantized(x) and _quantized(y) and len(graph.inputs) == 1:
            return benchmark
    known = ", ".join(f"{b.model_id} ({b.input_bytes} -> {b.outputs})" for b in BENCHMARKS)
    raise UnsupportedError(
        f"'{graph.name}' ({x.nbytes} -> {y.nbytes} bytes of {x.dtype}) is no model of MLPerf Tiny:"
        f" {known}, all int8"
    )


def _quantized(tensor: Tensor) -> bool:
    return tensor.dtype == "int8" and tensor.quantization is not None


def template_values(graph: Graph, board: Board) -> dict[str, object]:
    """Return what main.c says of the benchmark.

    Raises
    ------
    UnsupportedError
        If the model is none of the suite, or the board has no clock.
    """
    benchmark = benchmark_of(graph)
    if not board.counter.hertz:
        raise UnsupportedError(f"board '{board.name}' has no clock of a known rate (counter.hertz)")
    x = graph.tensors[graph.inputs[0]].quantization
    y = graph.tensors[graph.outputs[0]].quantization
    assert x is not None  # benchmark_of checks it
    assert y is not None
    return {
        "model_id": benchmark.model_id,
        "kind": benchmark.kind,
        "data_bytes": benchmark.data_bytes,
        "input_scale": x.scale.hex(),
        "input_zero_point": x.zero_point,
        "output_scale": y.scale.hex(),
        "output_zero_point": y.zero_point,
        "hertz": board.counter.hertz,
    }
