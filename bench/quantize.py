"""Quantize the MLPerf Tiny float networks and measure the integers on data not calibrated with.

    python bench/quantize.py [--method NAME ...] [ic ad kws ...]

Networks and data are those below ``$QEMBED_SHARED``: ic and ad calibrate on the even samples of
proxy.npz and are measured on the odd ones, kws calibrates on the first 200 and is measured on the
last 400. SQNR is that of what goes into the softmax, in dB; the engine is the integer one.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np

from qembed.backends.host import HostModel
from qembed.floats import executor
from qembed.floats.lowering import Encoding, encode
from qembed.importers import import_float_model, import_model
from qembed.quantize import Settings, mixed, quantize
from qembed.quantize.agreement import compare
from qembed.tflite import writer

METHODS = ("int8", "int16x8", "int4")
GOALS = {
    ("ic", "int8"): "30 dB",
    ("ad", "int8"): "44 dB",
    ("kws", "int8"): "32 dB, 362 right, 5 changed",
    ("ic", "int16x8"): "40 dB",
    ("ad", "int16x8"): "47 dB",
    ("kws", "int16x8"): "44 dB, 2 changed",
    ("ic", "int4"): "20 dB at 0.55 of the size",
    ("ad", "int4"): "34 dB",
    ("kws", "int4"): "352 right",
}


def data(name, shared, graph):
    """(calibration inputs, test inputs, labels of these or None)."""
    shape = graph.tensors[graph.inputs[0]].shape
    if name != "kws":
        x = np.load(shared / "data" / "proxy.npz")[name].astype(np.float32).reshape(-1, *shape)
        return x[::2], x[1::2], None
    archive = np.load(shared / "data" / "kws01.npz")
    published = import_model(shared / "models" / "kws_int8.tflite")
    by = published.tensors[published.inputs[0]].quantization
    x = (archive["x"].astype(np.float32) - by.zero_point) * np.float32(by.scale)
    x = x.reshape(-1, *shape)
    return x[:200], x[200:], archive["y"][200:]


def right(graph, x, labels):
    """Samples whose largest output is that of their label."""
    tensor = graph.tensors[graph.inputs[0]]
    steps = encode(x, Encoding(tensor.dtype, tensor.quantization))
    (y,) = HostModel(graph).run([steps])
    return int(np.sum(y.reshape(len(y), -1).argmax(1) == labels))


def row(name, method, shared):
    graph = import_float_model(shared / "models" / f"{name}_float.tflite")
    calibration, test, labels = data(name, shared, graph)
    began = time.perf_counter(), time.process_time()
    made = quantize(graph, [calibration], Settings(method))
    wall, busy = time.perf_counter() - began[0], time.process_time() - began[1]
    agreement = compare(made.real, made.graph, [test])
    score = ""
    if labels is not None:
        (y,) = executor.run(graph, [test])
        in_float = int(np.sum(y.reshape(len(y), -1).argmax(1) == labels))
        score = f"{right(made.graph, test, labels)} ({in_float})"
    wide = mixed.sizes(made.real, 8)
    narrow = mixed.sizes(made.real, 4)
    layers = made.decisions.layers
    size = sum((narrow if layers[n].bits == 4 else wide)[n] for n in wide)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    changed = f"{agreement.changed} of {agreement.samples}"
    return (
        f"{name:5}{method:9}{agreement.sqnr:7.2f}  {score:11}{changed:12}{size:9,}"
        f"{size / sum(wide.values()):6.2f}{len(writer.write(made.file)):9,}{wall:7.0f}{busy:7.0f}"
        f"{peak:7,}  {GOALS[name, method]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("networks", nargs="*", default=["ic", "ad", "kws"])
    parser.add_argument("--method", action="append", choices=METHODS)
    arguments = parser.parse_args()
    shared = Path(os.environ.get("QEMBED_SHARED", "../shared"))
    print(
        f"{'':5}{'method':9}{'SQNR':>7}  {'right':11}{'changed':12}{'size':>9}{'share':>6}"
        f"{'.tflite':>9}{'s':>7}{'CPU s':>7}{'MiB':>7}  goal"
    )
    for name in arguments.networks:
        for method in arguments.method or METHODS:
            print(row(name, method, shared), flush=True)


if __name__ == "__main__":
    main()
