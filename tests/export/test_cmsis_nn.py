"""CMSIS-NN in place of our kernels: the same bytes on every core."""

import numpy as np
import pytest

from qembed.backends.host import HostModel
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.errors import ToolError
from qembed.export.cmsis_nn import cmsis_nn_files
from qembed.export.firmware import export_firmware
from qembed.importers import import_model
from qembed.verify.check import verify
from qembed.verify.layers import layers_of
from support.cmsis_nn import cmsis_nn_folder
from support.toy import need


@pytest.mark.parametrize(
    ("network", "board"),
    [
        ("kws_int8", "mps2-an386"),
        ("kws_int8", "mps3-an547"),
        ("kws_int8", "mps2-an385-m0"),
        ("ad_int8", "mps2-an386"),
        ("person_detect", "mps3-an547"),
    ],
)
def test_its_layers_have_our_bytes(network, board, shared, tmp_path):
    graph = import_model(shared / "models" / f"{network}.tflite")
    project = export_firmware([graph], need(board), tmp_path, cmsis_nn=cmsis_nn_folder())
    rng = np.random.default_rng(3)
    shapes = [graph.tensors[i].shape for i in graph.inputs]
    inputs = [rng.integers(-128, 128, (3, *shape)).astype(np.int8) for shape in shapes]
    with boot(build_firmware(project)) as running:
        port = open_port(running.port_url)
        try:
            report = verify(graph, Session(port), layers_of(project.models[0].sources), inputs)
        finally:
            port.close()
    assert report.verdict == "equal"
    theirs = {layer.op for layer in report.layers if layer.variant == "cmsis_nn"}
    assert theirs == {layer.op for layer in report.layers} - {"softmax", "reshape"}


def test_its_builds_that_round_once_have_the_bytes_of_our_profile(shared, tmp_path):
    """What `tflm-single` stands for, judged from outside: the same firmware built to round once."""
    path = shared / "models/kws_int8.tflite"
    with np.load(shared / "data/kws01.npz") as data:
        x = data["x"][:20, None]
    graph, single = import_model(path), import_model(path, "tflm-single")
    project = export_firmware([graph], need("mps2-an386"), tmp_path, cmsis_nn=cmsis_nn_folder())
    variants = {layer.variant for layer in project.models[0].sources.lowerings}
    assert "cmsis_nn" in variants
    wanted, twice = (HostModel(form).run(x)[0] for form in (single, graph))
    assert np.any(wanted != twice)
    with boot(build_firmware(project, extra_cflags=["-DCMSIS_NN_USE_SINGLE_ROUNDING"])) as running:
        port = open_port(running.port_url)
        try:
            seen = Session(port).infer_many(0, [sample.tobytes() for sample in x])
            got = [one.record.outputs for one in seen]
        finally:
            port.close()
    assert got == [sample.tobytes() for sample in wanted]


def test_a_folder_without_it_is_refused(tmp_path):
    with pytest.raises(ToolError, match=r"holds no CMSIS-NN: there is no arm_nnfunctions\.h"):
        cmsis_nn_files(tmp_path)


def test_its_own_tests_stay_out(tmp_path):
    for name in ("Include/arm_nnfunctions.h", "Source/arm_x_s8.c", "Tests/test_arm_x_s8.c"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert set(cmsis_nn_files(tmp_path)) == {
        "cmsis_nn/Include/arm_nnfunctions.h",
        "cmsis_nn/Source/arm_x_s8.c",
        "cmsis_nn/qe_cmsis_nn.c",
    }
