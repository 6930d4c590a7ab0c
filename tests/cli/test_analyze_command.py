"""qembed analyze."""

import numpy as np

from qembed.floats.lowering import lower
from qembed.tflite import writer
from support.float_networks import residual, samples


def test_command(qembed, tmp_path):
    (tmp_path / "net.tflite").write_bytes(writer.write(lower(residual())))
    np.savez(tmp_path / "data.npz", x=samples(30))
    document = qembed("analyze", "net.tflite", "-d", "data.npz", "--json").document
    assert document["sqnr"] > 30 and len(document["layers"]) == 8
    done = qembed("analyze", "net.tflite", "-d", "data.npz", "--method", "int4")
    for words in ("clipped", "conv0", "weights"):
        assert words in done.stdout
