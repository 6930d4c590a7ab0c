"""The real networks: figures on fresh data, and what other tools make of the files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qembed.backends.host import HostModel
from qembed.floats.lowering import Encoding, encode
from qembed.importers import import_float_model, import_model
from qembed.quantize import Settings, quantize
from qembed.quantize.agreement import compare
from qembed.tflite import writer
from support.tflm import Interpreter


def inputs(shared, name, graph):
    shape = graph.tensors[graph.inputs[0]].shape
    if name != "kws":
        x = np.load(shared / "data" / "proxy.npz")[name].astype(np.float32).reshape(-1, *shape)
        return x[::2], x[1::2]
    published = import_model(shared / "models" / "kws_int8.tflite")
    by = published.tensors[published.inputs[0]].quantization
    x = np.load(shared / "data" / "kws01.npz")["x"].astype(np.float32)
    x = ((x - by.zero_point) * np.float32(by.scale)).reshape(-1, *shape)
    return x[:200], x[200:]


# One recipe and one range method: quick, and already good. bench/quantize.py has the defaults.
QUICK = [
    ("ad", Settings(range_method="min-max", equalize=0.0), 44.0),
    ("kws", Settings(range_method="min-max", equalize=1.0), 32.0),
    ("ic", Settings(range_method="min-max", equalize=0.5), 30.0),
    ("kws", Settings("int16x8", equalize=0.0), 44.0),
    ("ad", Settings("int4", range_method="min-max"), 34.0),
]


@pytest.mark.parametrize(("name", "settings", "least"), QUICK)
def test_figures_and_the_same_bytes_in_tflm(shared, name, settings, least):
    graph = import_float_model(shared / "models" / f"{name}_float.tflite")
    calibration, fresh = inputs(shared, name, graph)
    made = quantize(graph, [calibration[:100]], settings)
    assert compare(made.real, made.graph, [fresh[:100]]).sqnr > least

    tensor = made.graph.tensors[made.graph.inputs[0]]
    count = 300 if name == "kws" and settings.method == "int8" else 20
    steps = encode(fresh[:count], Encoding(tensor.dtype, tensor.quantization))
    (ours,) = HostModel(made.graph).run([steps])
    (theirs,) = Interpreter(writer.write(made.file)).run([steps])
    np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


@pytest.mark.parametrize("name", ["kws", "ic"])
def test_vela_compiles_all_of_it(shared, name, tmp_path):
    """Arm's compiler for Ethos-U takes every operator."""
    graph = import_float_model(shared / "models" / f"{name}_float.tflite")
    calibration, _ = inputs(shared, name, graph)
    made = quantize(graph, [calibration[:8]], Settings(range_method="min-max", equalize=0.0))
    path = tmp_path / "model.tflite"
    path.write_bytes(writer.write(made.file))
    vela = Path(sys.executable).with_name("vela")
    done = subprocess.run(
        [vela, path, "--output-dir", tmp_path], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert "CPU operators = 0" in done.stdout
