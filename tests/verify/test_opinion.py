"""Kernel, or compiler and port? The same C on this computer decides."""

import pytest

from qembed import container
from qembed.resources import PACKAGE
from qembed.verify import subject
from qembed.verify.check import verify
from qembed.verify.opinion import with_second_opinion
from support.toy import need

BOARD = "qemu-arm"


@pytest.fixture
def graph():
    return container.load(PACKAGE / "data/digits.npz")


@pytest.fixture
def plant(monkeypatch):
    """Change the C of the layers' exported firmware, on all boards or on one."""

    def install(*boards):
        export = subject.export_firmware

        def planted(graphs, board, folder, **options):
            project = export(graphs, board, folder, **options)
            if board.name in boards:
                path = folder / "model" / "digits.c"
                layer = "    QE_LAYER_DONE(6,"
                text = path.read_text()
                assert text.count(layer) == 1
                path.write_text(text.replace(layer, "    digits_base[OFFSET] ^= 1;\n" + layer))
                place = text.partition(layer)[2].partition("digits_at(")[2].partition(")")[0]
                path.write_text(path.read_text().replace("OFFSET", place))
            return project

        monkeypatch.setattr(subject, "export_firmware", planted)

    return install


@pytest.mark.parametrize(("boards", "native"), [((BOARD,), "right"), ((BOARD, "native"), "same")])
def test_the_same_c_is_asked_on_this_computer(boards, native, graph, plant):
    board = need(BOARD)
    need("native")
    plant(*boards)
    inputs = [graph.samples.inputs[0][:5]]
    with subject.on_board(graph, board) as there:
        first = verify(graph, there.session, there.layers, inputs).first
        assert first.blame == "board" and first.native == ""
        assert with_second_opinion(first, there, inputs).native == native


def test_where_nothing_can_be_built_there_is_no_opinion(graph, plant, monkeypatch, tmp_path):
    board = need(BOARD)
    plant(BOARD)
    inputs = [graph.samples.inputs[0][:2]]
    with subject.on_board(graph, board) as there:
        first = verify(graph, there.session, there.layers, inputs).first
        monkeypatch.setenv("PATH", str(tmp_path))
        assert with_second_opinion(first, there, inputs) is first
        assert with_second_opinion(None, there, inputs) is None
