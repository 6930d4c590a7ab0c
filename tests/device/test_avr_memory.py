"""An AVR reads weights where they lie: its RAM holds activations and parameters alone."""

from qembed import container
from qembed.boards import load_board
from qembed.device.build import build_firmware
from qembed.export.firmware import export_firmware
from qembed.resources import PACKAGE
from support.toy import need

BOARD = "atmega2560"


def test_weights_stay_in_flash(tmp_path):
    need(BOARD)
    graph = container.load(PACKAGE / "data/digits.npz")
    project = export_firmware([graph], load_board(BOARD), tmp_path / "firmware", link=False)
    sizes = build_firmware(project).sizes
    assert sizes.weights > 3000
    assert sizes.ram < sizes.arena + 1000
