import pytest

from qembed.device.session import Session
from qembed.errors import DeviceError
from qembed.verify.check import verify
from qembed.verify.stress import FILLS, Stressed
from support.link_board import Board
from support.native_digits import WIDE1, export_digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return export_digits(tmp_path_factory.mktemp("digits"))


def judge(digits, source, stressed):
    with Board(digits.link(source)) as board:
        port = board.open()
        session = Session(port)
        witness = Stressed(session) if stressed else session
        try:
            return verify(digits.graph, witness, digits.layers, [digits.inputs])
        finally:
            port.close()


def test_layouts_use_the_room_there_is(digits):
    with Board(digits.link(digits.source)) as board:
        port = board.open()
        layouts = Stressed(Session(port)).layouts
        port.close()
    assert [layout.fill for layout in layouts] == list(FILLS)
    assert {layout.shift for layout in layouts} == {0, 16, 32}


def test_sound_firmware_gives_the_same_bytes(digits):
    report = judge(digits, digits.source, True)
    assert report.verdict == "equal"
    assert report.samples == len(digits.inputs)


def test_a_byte_that_nobody_wrote(digits):
    """Byte 3100 of the arena is used by no layer; this one trusts it to be zero."""
    unused = "DIGITS_ARENA_BYTES - 1u"
    source = digits.source.after(WIDE1, f"*(uint8_t *)OUT ^= *(uint8_t *)digits_at({unused})")
    report = judge(digits, source, True)
    assert report.verdict == "different"
    assert report.first.layer == WIDE1
    assert report.first.index == (0, 0, 0, 0)


def test_a_write_beyond_the_arena(digits):
    beyond = "DIGITS_ARENA_BYTES + 3u"
    source = digits.source.after(WIDE1, f"*(uint8_t *)digits_at({beyond}) ^= 1")
    assert judge(digits, source, False).verdict == "equal"
    with pytest.raises(DeviceError, match="wrote outside its arena"):
        judge(digits, source, True)
