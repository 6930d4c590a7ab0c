"""The worked example of examples/own_runtime, step by step."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qembed import container
from qembed.device.session import Session
from qembed.resources import firmware_templates
from qembed.verify.check import verify
from qembed.verify.exports import layers_on
from qembed.verify.layers import ReportedLayer
from support.cmsis_nn import cmsis_nn_folder
from support.link_board import STRICT, Board

EXAMPLE = Path(__file__).parents[2] / "examples/own_runtime"
TEMPLATES = firmware_templates()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    subprocess.run([sys.executable, EXAMPLE / "make_model.py", folder], check=True)
    return folder, container.load(folder / "model.npz")


def judge(model, *flags, more=()):
    folder, graph = model
    runtime = TEMPLATES / "runtime"
    sources = [*more, EXAMPLE / "firmware.c", runtime / "qe_link.c", runtime / "qe_hash.c"]
    sources.append(TEMPLATES / "boards/_common/posix_port.c")
    includes = [f"-I{folder}", f"-I{runtime}", f"-I{TEMPLATES / 'kernels/include'}"]
    program = folder / f"firmware{len(flags)}"
    command = ["gcc", *STRICT, "-DQE_OBSERVE", *flags, *includes, *sources, "-o", program]
    subprocess.run(command, check=True)
    inputs = np.random.default_rng(2).integers(-128, 128, (50, 1, 16)).astype(np.int8)
    with Board(program) as board:
        port = board.open()
        session = Session(port)
        if "-DWITH_LAYERS" in flags:
            layers = (ReportedLayer(0, 1, "nhwc", "theirs", "infer"),)
        else:
            layers = layers_on(graph, session.models[0])
        report = verify(graph, session, layers, [inputs])
        port.close()
    return report


def test_outputs_alone(model):
    report = judge(model)
    assert report.verdict == "equal"
    assert report.samples == 50
    assert report.layers == ()
    assert report.cost is None


def test_outputs_alone_of_a_runtime_with_a_bug(model):
    report = judge(model, "-DA_BUG")
    assert report.verdict == "different"
    assert report.first.blame == "board"
    assert report.first.tensor == "y"
    assert abs(report.first.got - report.first.expected) == 1


def test_the_runtime_is_cmsis_nn(model, tmp_path):
    """Arm's own library under the link, its C compiled for this computer."""
    vendor = cmsis_nn_folder()
    library = vendor / "cmsis_nn"
    sources = [
        library / "Source/FullyConnectedFunctions/arm_fully_connected_s8.c",
        library / "Source/NNSupportFunctions/arm_nn_vec_mat_mult_t_s8.c",
    ]
    (tmp_path / "arm_acle.h").touch()  # Arm's compilers bring it; portable C needs nothing of it
    folders = (library / "Include", vendor / "cmsis_core/Include", tmp_path)
    flags = [f"-isystem{folder}" for folder in folders]  # its warnings are its own
    theirs = [*flags, "-DWITH_CMSIS_NN", "-Wno-conversion", "-Wno-sign-conversion"]
    assert judge(model, *theirs, "-DWITH_LAYERS", more=sources).verdict == "equal"


def test_layers_tell_why(model):
    assert judge(model, "-DWITH_LAYERS").verdict == "equal"
    first = judge(model, "-DWITH_LAYERS", "-DA_BUG").first
    assert (first.layer, first.name) == (0, "dense")
    assert first.causes[0].kind == "rounding"
    told = [cause.text for cause in first.causes]
    assert "requantization shifts right without rounding the second time" in told
