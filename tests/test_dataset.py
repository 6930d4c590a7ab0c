"""Data sets: blocks of any size are the same data; damaged files are refused."""

import dataclasses

import numpy as np
import pytest

from qembed.arithmetic import requantization
from qembed.dataset import blocks, head, open_dataset, random_dataset
from qembed.errors import InputError
from qembed.ir import Graph, Node, Quantization, Tensor
from qembed.ops.add import Add
from qembed.validate import validate

HALF = requantization(np.float64(0.5), "double")
ADD = Add(20, HALF, HALF, HALF, 0, 0, 0, (-128, 127))


def two_inputs():
    tensors = (
        Tensor("left", (2, 3), "int8", Quantization(0.5, 10)),
        Tensor("right", (2, 3), "int8"),
        Tensor("sum", (2, 3), "int8"),
    )
    return validate(Graph("two", tensors, (Node("n", "add", ADD, (0, 1), (2,)),), (0, 1), (2,)))


@pytest.fixture
def archive(tmp_path):
    rng = np.random.default_rng(3)
    left = rng.normal(0, 20, (50, 2, 3))
    right = rng.integers(-128, 128, (50, 2, 3), np.int8)
    path = tmp_path / "data.npz"
    np.savez_compressed(path, right=right, left=left, y=np.arange(50, dtype=np.int16) % 6)
    return path


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_blocks_of_every_size_hold_the_same(size, archive):
    dataset = open_dataset(two_inputs(), archive)
    assert dataset.count == 50 and dataset.labels.tolist() == [i % 6 for i in range(50)]
    parts = list(blocks(dataset, size))
    assert all(len(left) == len(right) <= size for left, right in parts)
    left, right = (np.concatenate(column) for column in zip(*parts, strict=True))
    with np.load(archive) as stored:
        steps = stored["left"].astype(np.float32) / np.float32(0.5)
        away = np.sign(steps) * np.floor(np.abs(steps) + 0.5)  # ties away from zero, as QUANTIZE
        assert np.array_equal(left, np.clip(away + 10, -128, 127))
        assert np.array_equal(right, stored["right"])


def test_head_is_the_beginning(archive):
    dataset = open_dataset(two_inputs(), archive)
    few = head(dataset, 5)
    assert few.count == 5 and len(few.labels) == 5
    for a, b in zip(next(blocks(few, 9)), next(blocks(dataset, 9)), strict=True):
        assert np.array_equal(a, b[:5])
    assert head(dataset, 50) is dataset


def test_ties_go_away_from_zero(tmp_path):
    graph = two_inputs()
    values = np.array([[[0.25, -0.25, 0.75], [-0.75, 1e30, -np.inf]]])
    np.savez(tmp_path / "d.npz", left=values, right=np.zeros((1, 2, 3), np.int8))
    left, _ = next(blocks(open_dataset(graph, tmp_path / "d.npz"), 1))
    assert left.tolist() == [[[11, 9, 12], [8, 127, -128]]]


def test_inputs_must_be_as_many(tmp_path):
    np.savez(tmp_path / "d.npz", left=np.zeros((2, 2, 3)), right=np.zeros((3, 2, 3), np.int8))
    with pytest.raises(InputError, match=r"different numbers of samples: \[2, 3\]"):
        open_dataset(two_inputs(), tmp_path / "d.npz")
    np.savez(tmp_path / "d.npz", left=np.zeros((2, 2, 3)), x=np.zeros((2, 2, 3), np.int8))
    with pytest.raises(InputError, match="no array called right"):
        open_dataset(two_inputs(), tmp_path / "d.npz")


def test_reals_need_a_scale(tmp_path):
    np.savez(tmp_path / "d.npz", left=np.zeros((2, 2, 3)), right=np.zeros((2, 2, 3)))
    with pytest.raises(InputError, match="'right' is int8 without a scale"):
        open_dataset(two_inputs(), tmp_path / "d.npz")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "float32", "bool"])
def test_random_samples_reach_every_corner_and_repeat(dtype):
    graph = two_inputs()
    tensor = dataclasses.replace(graph.tensors[0], dtype=dtype, quantization=None)
    graph = dataclasses.replace(graph, tensors=(tensor, *graph.tensors[1:]))
    dataset = random_dataset(graph, 3000, seed=4)
    values, _ = dataset.sources
    assert values.dtype == dtype and values.shape == (3000, 2, 3)
    assert np.array_equal(values, random_dataset(graph, 3000, seed=4).sources[0])
    assert not np.array_equal(values, random_dataset(graph, 3000, seed=5).sources[0])
    if dtype == "int8":
        assert np.unique(values).size == 256


def test_noise(archive, tmp_path):
    """Any bytes: data of the right form, or InputError."""
    graph = two_inputs()
    path = tmp_path / "noisy"
    raw = archive.read_bytes()
    rng = np.random.default_rng(6)
    refused = 0
    for _ in range(800):
        noisy = bytearray(raw)
        for at in rng.integers(0, len(raw), rng.integers(1, 4)):
            noisy[at] = rng.integers(0, 256)
        if rng.random() < 0.1:
            del noisy[rng.integers(0, len(raw)) :]
        path.write_bytes(noisy)
        try:
            for left, right in blocks(open_dataset(graph, path), 16):
                assert left.dtype == right.dtype == np.int8
                assert left.shape == right.shape == (len(left), 2, 3)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 500
