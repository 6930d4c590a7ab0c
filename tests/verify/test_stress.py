import pytest

from qembed.device.session import Session
from qembed.verify.check import verify
from qembed.verify.stress import LAYOUTS, stress
from qembed.verify.subject import Subject
from qembed.verify.trial import Trial
from support.link_board import Board
from support.native_digits import WIDE1, export_digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return export_digits(tmp_path_factory.mktemp("digits"))


def judge(digits, source):
    """Reports of a plain verification and of one in each layout."""
    with Board(digits.link(source)) as board:
        port = board.open()
        session = Session(port)
        subject = Subject(digits.graph, session, digits.layers)
        trial = Trial((digits.inputs,), "here")
        try:
            plain = verify(digits.graph, session, digits.layers, [digits.inputs])
            return plain, list(stress(subject, session, trial, lambda: lambda done, total: None))
        finally:
            port.close()


def test_sound_firmware_gives_the_same_bytes(digits):
    plain, stressed = judge(digits, digits.source)
    assert [report.verdict for report in (plain, *stressed)] == ["equal"] * (1 + len(LAYOUTS))
    assert {report.samples for report in stressed} == {len(digits.inputs)}


def test_a_byte_that_nobody_wrote(digits):
    """What lies behind the arena is zero at first; this layer trusts it to be so."""
    unused = "DIGITS_ARENA_BYTES + 1u"
    source = digits.source.after(WIDE1, f"*(uint8_t *)OUT ^= *(uint8_t *)digits_at({unused})")
    plain, stressed = judge(digits, source)
    assert plain.verdict == "equal"
    wrong = [report for report in stressed if report.verdict == "different"]
    assert len(wrong) == len(LAYOUTS)
    for report in wrong:
        assert report.first.layer == WIDE1
        assert report.first.index == (0, 0, 0, 0)


def test_a_write_beyond_the_arena(digits):
    beyond = "DIGITS_ARENA_BYTES + 3u"
    source = digits.source.after(WIDE1, f"*(uint8_t *)digits_at({beyond}) ^= 1")
    plain, stressed = judge(digits, source)
    assert plain.verdict == "equal"  # nobody looks there
    for report in stressed:
        assert (report.verdict, report.differing) == ("different", report.samples)
        assert (report.first.layer, report.first.name, report.first.blame) == (
            WIDE1,
            "wide1",
            "board",
        )
        (cause,) = report.first.causes
        assert cause.text == "it writes outside the arena, 4 bytes beyond its end"


def test_a_write_before_the_arena_when_it_is_moved(digits):
    source = digits.source.after(WIDE1, "((uint8_t *)digits_at(0u))[-8] = 0x21")
    _, stressed = judge(digits, source)
    texts = {report.first.causes[0].text for report in stressed if report.first}
    assert texts == {"it writes outside the arena, 8 bytes before its start"}
