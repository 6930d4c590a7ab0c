"""Real networks on every board: each byte of each layer, over the serial link."""

import numpy as np
import pytest

from qembed import container
from qembed.boards import list_boards
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export import plan_for
from qembed.export.firmware import export_firmware
from qembed.importers import import_model
from qembed.resources import PACKAGE
from qembed.verify.check import verify
from qembed.verify.layers import layers_of
from support.toy import need
from support.wake_words import WAKE_WORDS, wake_word

NETWORKS = ("ic_int8", "ad_int8", "person_detect", "micro_speech", "hello_world_int8")


def random_inputs(graph, count):
    rng = np.random.default_rng(7)
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [
        rng.integers(-128, 128, (count, *tensor.shape)).astype(tensor.dtype) for tensor in tensors
    ]


def verified(graph, board, inputs, folder, **memory):
    project = export_firmware([graph], board, folder, **memory)
    layers = layers_of(project.models[0].sources)
    with boot(build_firmware(project)) as running:
        port = open_port(running.port_url)
        try:
            return verify(graph, Session(port), layers, inputs)
        finally:
            port.close()


def assert_equal(report, samples):
    assert report.first is None, report.first
    assert report.verdict == "equal"
    assert report.samples == samples


@pytest.mark.parametrize("board", ["native", "mps2-an386"])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_on_random_inputs(network, board, shared, tmp_path):
    graph = import_model(shared / "models" / f"{network}.tflite")
    report = verified(graph, need(board), random_inputs(graph, 50), tmp_path)
    assert_equal(report, 50)


ROWS = {"kws_int8": (5_200, 4_900), "ic_int8": (12_800, 12_800), "person_detect": (13_800, 13_300)}


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("network", ROWS)
def test_row_by_row(network, pushed, shared, tmp_path):
    """The input resident or pushed, in less than half the memory."""
    graph, board = import_model(shared / "models" / f"{network}.tflite"), need("mps2-an386")
    limit = {"push_rows": True} if pushed else {"arena_max": ROWS[network][0]}
    report = verified(graph, board, random_inputs(graph, 5), tmp_path / "firmware", **limit)
    assert_equal(report, 5)
    _, plan = plan_for(graph, board.target, **limit)
    assert plan.stream is not None
    assert plan.arena_bytes <= ROWS[network][pushed]


@pytest.mark.parametrize("board", ["mps2-an385-m0", "mps3-an547", "virt32"])
def test_row_by_row_on_other_cores(board, shared, tmp_path):
    graph, chosen = import_model(shared / "models/kws_int8.tflite"), need(board)
    report = verified(graph, chosen, random_inputs(graph, 3), tmp_path, push_rows=True)
    assert_equal(report, 3)


@pytest.mark.parametrize("board", ["native", "mps2-an386"])
def test_keyword_spotting_on_all_its_real_inputs(board, shared, tmp_path):
    graph = import_model(shared / "models" / "kws_int8.tflite")
    with np.load(shared / "data" / "kws01.npz") as data:
        real = data["x"].reshape(-1, *graph.tensors[graph.inputs[0]].shape)
    report = verified(graph, need(board), [real], tmp_path)
    assert_equal(report, 600)


@pytest.mark.parametrize("board", ["native", "mps2-an386"])
def test_a_stream_of_2000_steps(board, shared, tmp_path):
    """The state lives on from step to step, in the board as on the desk."""
    graph = import_model(shared / "models/okay_nabu.tflite")
    report = verified(graph, need(board), random_inputs(graph, 2000), tmp_path)
    assert_equal(report, 2000)


@pytest.mark.parametrize("name", WAKE_WORDS)
def test_streams_of_wake_word_models(name, tmp_path):
    graph = import_model(wake_word(name))
    report = verified(graph, need("mps2-an386"), random_inputs(graph, 100), tmp_path)
    assert_equal(report, 100)


OTHERS = [b for b in list_boards() if b not in ("native", "mps2-an386", "atmega2560")]


@pytest.mark.parametrize("board", OTHERS)
def test_keyword_spotting_on_every_other_board(board, shared, tmp_path):
    graph = import_model(shared / "models" / "kws_int8.tflite")
    report = verified(graph, need(board), random_inputs(graph, 10), tmp_path)
    assert_equal(report, 10)


def test_the_digits_on_8_kilobytes_of_avr(tmp_path):
    graph = container.load(PACKAGE / "data" / "digits.npz")
    samples = [array[:1] for array in graph.samples.inputs]
    report = verified(graph, need("atmega2560"), samples, tmp_path)
    assert_equal(report, 1)
    assert report.cost.unit == "cycles"
