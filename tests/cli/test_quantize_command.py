"""qembed quantize: a float .tflite and data in, a model file out."""

import numpy as np
import pytest

from qembed import container
from qembed.container import graph_hash
from qembed.floats.lowering import lower
from qembed.importers import import_model
from qembed.tflite import writer
from support.float_networks import residual, samples


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(writer.write(lower(residual())))
    np.savez(tmp_path / "data.npz", x=samples(24))
    return path


def test_writes_a_model_and_its_file(qembed, network, tmp_path):
    done = qembed("quantize", network, "-d", "data.npz", "--tflite", "int8.tflite", "--json")
    outcome = done.document["quantization"]
    assert outcome["samples"] == 24 and outcome["sqnr"] > 35 and len(outcome["trials"]) == 2
    assert outcome["bytes"] < outcome["float_bytes"]
    model = container.load(tmp_path / "net.npz")
    assert graph_hash(model) == graph_hash(import_model(tmp_path / "int8.tflite"))
    assert [layer["weight_bits"] for layer in outcome["layers"]].count(8) == 4
    assert qembed("simulate", tmp_path / "net.npz", "-i", "data.npz").status == 0


def test_tables_say_what_was_decided(qembed, network):
    done = qembed("quantize", network, "-d", "data.npz", "--method", "int16x8", "-o", "a.npz")
    for words in ("int16", "min-max", "chosen", "held-out", "constants"):
        assert words in done.stdout


def test_same_call_same_bytes(qembed, network, tmp_path):
    for name in ("a.npz", "b.npz"):
        qembed("quantize", network, "-d", "data.npz", "--equalize", "0", "-o", name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("shape", "words"),
    [((8, 1, 8, 8, 2), "do not fit 'x'"), ((1, 1, 8, 8, 3), "at least 2")],
)
def test_unsuitable_data_is_one_sentence(qembed, network, shape, words):
    np.savez("bad.npz", x=np.zeros(shape, np.float32))
    done = qembed("quantize", network, "-d", "bad.npz")
    assert done.status == 3 and words in done.sentence


def test_a_quantized_network_is_one_sentence(qembed, network):
    qembed("quantize", network, "-d", "data.npz", "--tflite", "int8.tflite")
    done = qembed("quantize", "int8.tflite", "-d", "data.npz")
    assert done.status == 3 and "quantized already" in done.sentence


def test_data_may_be_a_folder(qembed, network, tmp_path):
    (tmp_path / "folder").mkdir()
    for number, part in enumerate(np.split(samples(24), 4)):
        np.save(tmp_path / "folder" / f"{number}.npy", part)
    for data, name in (("folder", "a.npz"), ("data.npz", "b.npz")):
        assert qembed("quantize", network, "-d", data, "--equalize", "0", "-o", name).status == 0
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
