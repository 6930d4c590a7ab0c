"""Safe distances against brute force: run the order on owners of bytes at every distance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.plan import overlap


def is_right(last_read, written, distance):
    """Whether every byte is read before it is overwritten."""
    overwritten = np.full(len(last_read), np.iinfo(np.int64).max)
    for o, step in enumerate(written):
        if 0 <= distance + o < len(last_read):
            overwritten[distance + o] = min(overwritten[distance + o], step)
    return bool(np.all(last_read <= overwritten))


def allows(declared, distance):
    return (
        distance <= declared.below
        or distance >= declared.above
        or (declared.in_place and distance == 0)
    )


@given(
    st.lists(st.integers(-1, 12), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), min_size=1, max_size=12),
    st.sampled_from([(1, 1), (2, 1), (1, 2), (4, 4)]),
)
def test_exactly_the_safe_distances_are_declared(last_read, written, itemsizes):
    declared = overlap.overlap_of(np.array(last_read), np.array(written), itemsizes)
    last = np.repeat(last_read, itemsizes[0])
    first = np.repeat(written, itemsizes[1])
    right = {d: is_right(last, first, d) for d in range(-len(first) - 1, len(last) + 2)}
    assert all(right[d] for d in right if allows(declared, d))
    assert right[0] == allows(declared, 0)
    if not all(right.values()):
        assert not right[declared.below + 1]
        assert not right[declared.above - 1]


def test_a_convolution_by_hand():
    """3x3 on 5 x 4 pixels, one channel: the first row that is still needed is one row up."""
    shape = (1, 5, 4, 1)
    position = np.arange(20).reshape(1, 5, 4)
    last = overlap.windowed(shape, shape, (3, 3), (1, 1), (1, 1), (1, 1), position)
    assert last[0, 0].tolist() == [5, 6, 7, 7]
    assert last[0, 4].tolist() == [17, 18, 19, 19]
    declared = overlap.overlap_of(last, position)
    assert (declared.below, declared.in_place) == (-5, False)
    backward = overlap.windowed(
        shape, shape, (3, 3), (1, 1), (1, 1), (1, 1), position[:, ::-1, ::-1]
    )
    assert overlap.overlap_of(backward, position.reshape(-1)[::-1]).above == 5


def test_stride_two_never_looks_back():
    shape, out = (1, 6, 6, 1), (1, 3, 3, 1)
    position = np.arange(9).reshape(1, 3, 3)
    last = overlap.windowed(shape, out, (3, 3), (2, 2), (1, 1), (0, 0), position)
    assert overlap.overlap_of(last, position).below >= 0


@pytest.mark.parametrize("shape", [(3, 4), (4,), (3, 1), (1, 1), ()])
def test_broadcast(shape):
    expected = np.full(int(np.prod(shape)), -1)
    for step, index in enumerate(
        np.broadcast_to(np.arange(expected.size).reshape(shape), (3, 4)).flat
    ):
        expected[index] = step
    assert overlap.broadcast(shape, (3, 4)).tolist() == expected.tolist()
