"""The eight metrics, against their definitions over all values at once."""

import numpy as np
import pytest

from qembed import container
from qembed.ir import Graph, Tensor
from qembed.resources import PACKAGE
from qembed.verify.agreement import Accumulator


@pytest.fixture
def graph():
    return container.load(PACKAGE / "data" / "digits.npz")


def test_metrics_are_what_they_are_defined_to_be(graph):
    rng = np.random.default_rng(2)
    desk = rng.integers(-128, 128, (40, 10), np.int8)
    board = np.clip(desk.astype(int) + rng.integers(-9, 10, desk.shape), -128, 127).astype(np.int8)
    sums = Accumulator(graph, "<")
    for a, b in zip(desk, board, strict=True):
        sums.add(a.tobytes(), b.tobytes())
    (got,) = sums.result()
    by = graph.tensors[graph.outputs[0]].quantization
    r, g = ((x.astype(float) - by.zero_point) * by.scale for x in (desk, board))
    d = g - r
    assert got.output == "classes"
    assert got.acc == np.mean(desk.argmax(1) == board.argmax(1))
    assert got.rmse == pytest.approx(np.sqrt(np.mean(d**2)))
    assert got.mae == pytest.approx(np.mean(np.abs(d)))
    assert got.l2r == pytest.approx(np.linalg.norm(d) / np.linalg.norm(r))
    assert got.mean == pytest.approx(np.mean(d))
    assert got.std == pytest.approx(np.std(d))
    assert got.nse == pytest.approx(1 - np.sum(d**2) / np.sum((r - r.mean()) ** 2))
    assert got.cos == pytest.approx(np.sum(r * g) / np.linalg.norm(r) / np.linalg.norm(g))


def test_equal_outputs(graph):
    sums = Accumulator(graph, "<")
    sums.add(bytes(range(10)), bytes(range(10)))
    (got,) = sums.result()
    assert (got.acc, got.rmse, got.mae, got.l2r, got.mean, got.std) == (1, 0, 0, 0, 0, 0)
    assert got.nse == 1 and got.cos == pytest.approx(1)


def test_a_silent_output_has_no_ratio(graph):
    sums = Accumulator(graph, "<")
    zero = bytes([0x80] * 10)  # the zero point
    sums.add(zero, zero)
    (got,) = sums.result()
    assert (got.l2r, got.nse, got.cos) == (None, None, None)


@pytest.mark.parametrize("values", [[1, np.inf, -np.inf, 3], [np.inf, np.nan, -np.inf, np.nan]])
def test_values_that_are_no_finite_numbers_are_left_out(values):
    floats = Graph("f", (Tensor("y", (4,), "float32"),), (), (), (0,))
    sums = Accumulator(floats, "<")
    output = np.float32(values).tobytes()
    sums.add(output, output)
    (got,) = sums.result()
    assert (got.acc, got.rmse, got.mae, got.mean, got.std) == (1, 0, 0, 0, 0)
    assert got.cos is None or got.cos == pytest.approx(1)
