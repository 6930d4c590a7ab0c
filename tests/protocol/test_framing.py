import zlib

from hypothesis import given
from hypothesis import strategies as st

from qembed.protocol.framing import MAX_BODY, Decoder, encode, longest_frame


def test_a_frame_by_hand():
    body = b"\x00\x01"
    crc = zlib.crc32(body)
    content = body + bytes([crc & 255, crc >> 8 & 255, crc >> 16 & 255, crc >> 24])
    assert 0 not in content[1:]
    assert encode(body) == b"\x01" + bytes([len(content)]) + content[1:] + b"\x00"


@given(st.lists(st.binary(max_size=600), max_size=5), st.integers(1, 50))
def test_what_goes_in_comes_out_however_it_is_split(bodies, step):
    stream = b"\0" + b"".join(map(encode, bodies))
    decoder = Decoder()
    out = [body for at in range(0, len(stream), step) for body in decoder.feed(stream[at:][:step])]
    assert out == bodies
    assert decoder.damaged == 0
    assert decoder.received == len(stream)


@given(st.binary(max_size=1000))
def test_longest_frame_is_a_bound(body):
    assert len(encode(body)) <= longest_frame(len(body))
    assert len(encode(b"\1" * len(body))) <= longest_frame(len(body))


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_flipped_bit_costs_its_frame_and_the_next_one_at_most(body, data):
    frame = bytearray(encode(body))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    decoder = Decoder()
    out = list(decoder.feed(bytes(frame) + encode(b"next") + encode(b"after")))
    assert body not in out
    assert out[-1] == b"after"
    assert decoder.damaged > 0


@given(st.binary(max_size=3000))
def test_noise_gives_nothing(noise):
    decoder = Decoder()
    assert list(decoder.feed(noise)) == []


def test_endless_noise_takes_no_memory_and_the_next_frame_is_read():
    decoder = Decoder()
    for _ in range(100):
        assert list(decoder.feed(b"\x55" * MAX_BODY)) == []
        assert len(decoder._pending) <= 2 * MAX_BODY
    assert list(decoder.feed(b"\0" + encode(b"hello"))) == [b"hello"]
    assert decoder.damaged == 1
