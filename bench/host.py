"""Speed of the host form against desktop interpreters, in one run.

    python bench/host.py [--rounds N] [--isa NAME] MODEL.tflite ...

Every round times each contender on each network for a few milliseconds, one after the other, so
that all of them meet the same weather; reported are medians. All contenders are called from
Python with int8 arrays and give int8 arrays back, with one thread, whose own processor time is
what counts (of two threads: the time that passes). Only ratios mean anything on another machine.
None of the peers computes TensorFlow Lite Micro's bytes; the host form does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from qembed._host._simd import chosen, peak

from qembed.backends.host import HostModel
from qembed.importers import import_bytes
from qembed.ir import Graph
from qembed.ops import OPERATORS

BATCHES = (1, 16, 64, 256)
SECONDS = 0.006  # of one measurement
PEAK_REPEATS = 2_500
Call = Callable[[], object]


def batch_of(graph: Graph, count: int) -> np.ndarray:
    tensor = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng(0)
    return rng.integers(-128, 128, (count, *tensor.shape)).astype(tensor.dtype)


def multiplications(graph: Graph) -> int:
    """Multiply-accumulates of one sample."""
    total = 0
    for node in graph.nodes:
        macs = OPERATORS[node.op].macs
        if macs is not None:
            tensors = [graph.tensors[i] for i in (*node.inputs, *node.outputs)]
            total += macs(node.params, *tensors)
    return total


def repaired(raw: bytes) -> bytes:
    """Copy of a .tflite file in which every quantized dimension is one that its tensor has.

    Older converters wrote 3 into tensors of any rank; LiteRT refuses such files. A tensor of lower
    rank has its channels along dimension 0.
    """
    from tflite import Model

    data, model = bytearray(raw), Model.GetRootAs(raw, 0)
    field = 16  # quantized_dimension, in the table of a tensor's quantization
    for number in range(model.SubgraphsLength()):
        subgraph = model.Subgraphs(number)
        for index in range(subgraph.TensorsLength()):
            tensor = subgraph.Tensors(index)
            quantization = tensor.Quantization()
            if quantization and quantization.QuantizedDimension() >= max(tensor.ShapeLength(), 1):
                at = quantization._tab.Pos + quantization._tab.Offset(field)
                data[at : at + 4] = bytes(4)
    return bytes(data)


def litert(raw: bytes, graph: Graph, count: int) -> Call:
    """LiteRT as it comes, XNNPACK, on a batch of `count`."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=repaired(raw), num_threads=1)
    x = batch_of(graph, count)
    details = interpreter.get_input_details()[0]
    shape = (count * details["shape"][0], *details["shape"][1:])
    interpreter.resize_tensor_input(details["index"], shape)
    interpreter.allocate_tensors()
    x = x.reshape(shape)
    out = interpreter.get_output_details()[0]["index"]

    def call() -> object:
        interpreter.set_tensor(details["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(out)

    return call


def tflite_micro(raw: bytes, graph: Graph) -> Call:
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(raw)
    x = batch_of(graph, 1)[0]

    def call() -> object:
        interpreter.set_input(x, 0)
        interpreter.invoke()
        return interpreter.get_output(0)

    return call


def host(graph: Graph, count: int, threads: int = 1) -> Call:
    model, x = HostModel(graph), batch_of(graph, count)
    return lambda: model.run(x, threads)


def contenders(raw: bytes, graph: Graph) -> dict[str, tuple[int, Call]]:
    """Name of each contender: its batch and its call."""
    found: dict[str, tuple[int, Call]] = {}
    for count in BATCHES:
        found[f"qembed {count}"] = count, host(graph, count)
    found["qembed 256 x2"] = 256, host(graph, 256, threads=2)
    for count in BATCHES[:-1]:
        try:
            call = litert(raw, graph, count)
            call()
            found[f"LiteRT {count}"] = count, call
        except (ImportError, RuntimeError, ValueError) as error:
            print(f"  LiteRT, batch {count}: {str(error).splitlines()[0][:90]}")
    try:
        found["tflite-micro 1"] = 1, tflite_micro(raw, graph)
    except ImportError:
        print("  tflite-micro is not installed")
    return found


def measure(calls: dict[str, tuple[int, Call]], rounds: int) -> dict[str, float]:
    """Microseconds a sample: median, "... passing" as the clock on the wall has it, "... least"."""
    repeats = {}
    for name, (_, call) in calls.items():
        start = time.thread_time()
        call()
        repeats[name] = max(1, int(SECONDS / max(time.thread_time() - start, 1e-6)))
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, (count, call) in calls.items():
            call()  # whose turn it was has filled the caches with its own
            starts = time.thread_time(), time.perf_counter()
            for _ in range(repeats[name]):
                call()
            own, passing = time.thread_time() - starts[0], time.perf_counter() - starts[1]
            times.setdefault(name, []).append(own / repeats[name] / count * 1e6)
            times.setdefault(f"{name} passing", []).append(passing / repeats[name] / count * 1e6)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return medians | {f"{name} least": min(values) for name, values in times.items()}


def best(times: dict[str, float], prefix: str) -> float:
    return min((t for name, t in times.items() if name.startswith(prefix)), default=float("nan"))


def report(path: Path, rounds: int) -> None:
    raw = path.read_bytes()
    graph = import_bytes(raw, path.name)
    macs = multiplications(graph)
    print(f"{path.stem}: {macs:,} multiply-accumulates")
    calls = contenders(raw, graph)
    calls["peak"] = 1, lambda: peak(PEAK_REPEATS)
    all_times = measure(calls, rounds)
    times = {n: all_times[n] for n in calls if n not in ("peak", "qembed 256 x2")}
    # Of a load that other programs share, the least times come nearest to the machine's own.
    top = peak(PEAK_REPEATS) / all_times["peak least"] / 1e3
    reached = macs / min(all_times[f"qembed {n} least"] for n in BATCHES) / 1e3
    for name, value in times.items():
        print(f"  {name:16} {value:10.2f} us  {macs / value / 1e3:7.1f} GMAC/s")
    ours = best(times, "qembed")
    print(f"  share of the peak of {top:.0f} GMAC/s: {reached / top:.0%} ({reached:.0f})")
    for peer in ("LiteRT", "tflite-micro"):
        if f"{peer} 1" in times:
            one = times[f"{peer} 1"] / times["qembed 1"]
            print(f"  {peer}: {one:.2f} x at batch 1, {best(times, peer) / ours:.2f} x at the best")
    layers(graph, rounds)
    two = all_times["qembed 256 passing least"] / all_times["qembed 256 x2 passing least"]
    print(f"  two threads: {two:.2f} x one, batch 256")


def layers(graph: Graph, rounds: int) -> None:
    """Time and rate of each layer, batch 16."""
    model, x = HostModel(graph), batch_of(graph, 16)
    times = [model.profile(x) for _ in range(20 * rounds)]
    for node, seconds in zip(graph.nodes, zip(*times, strict=True), strict=True):
        microseconds = statistics.median(seconds) / len(x) * 1e6
        macs = OPERATORS[node.op].macs
        tensors = [graph.tensors[i] for i in (*node.inputs, *node.outputs)]
        rate = macs(node.params, *tensors) / microseconds / 1e3 if macs else 0.0
        shape = str(list(tensors[-1].shape))
        print(f"    {node.op:16} {shape:20} {microseconds:8.2f} us  {rate:7.1f} GMAC/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isa", help="force an instruction set, as QEMBED_ISA does")
    arguments = parser.parse_args()
    if arguments.isa:
        os.environ["QEMBED_ISA"] = arguments.isa
    print(f"host form: {chosen()}")
    for path in arguments.models:
        report(path, arguments.rounds)


if __name__ == "__main__":
    main()
