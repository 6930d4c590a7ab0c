"""qembed compare: techniques side by side on one network."""

import numpy as np
import pytest

from qembed.floats import executor
from qembed.floats.binary import Binary
from qembed.floats.lowering import lower
from qembed.floats.normalize import Normalize
from qembed.floats.unary import Unary
from qembed.report.comparison import wilson
from qembed.tflite import writer
from support.float_networks import Builder, residual, samples


@pytest.fixture
def network(tmp_path):
    """The network, and data labelled with what it says itself, one label in ten wrong."""
    graph = residual()
    path, x = tmp_path / "net.tflite", samples(60)
    path.write_bytes(writer.write(lower(graph)))
    labels = executor.run(graph, [x])[0].reshape(60, -1).argmax(1)
    labels[1::20] = (labels[1::20] + 1) % 5
    np.savez(tmp_path / "data.npz", x=x, y=labels.astype(np.int64))
    return path


def test_rows_of_all_techniques(qembed, network):
    rows = qembed("compare", network, "-d", "data.npz", "--json").document["techniques"]
    assert [row["name"] for row in rows] == ["float32", "int8", "int16x8", "int4"]
    real, int8, int16, int4 = rows
    assert real["accuracy"]["right"] == 27 and real["accuracy"]["samples"] == 30
    assert real["bytes"] > int8["bytes"] == int16["bytes"] > int4["bytes"]
    assert int16["sqnr"] > int8["sqnr"] > int4["sqnr"] > 10
    assert int8["reduction"] == pytest.approx(1 - int8["bytes"] / real["bytes"])
    assert all(row["samples"] == 30 and row["host_microseconds"] > 0 for row in rows)
    low, high = (int8["accuracy"][end] for end in ("low", "high"))
    assert low < int8["accuracy"]["right"] / 30 < high


def test_a_board_counts_instructions(qembed, network):
    done = qembed(
        "compare", network, "-d", "data.npz", "--method", "int8", "--board", "mps2-an386", "--json"
    )
    _, int8 = done.document["techniques"]
    assert int8["instructions"] > 10_000 and int8["flash_bytes"] > int8["bytes"] / 2


def test_tables(qembed, network):
    done = qembed("compare", network, "-d", "data.npz", "--method", "int4")
    for words in ("float32", "int4", "90.00%", "any CPU", "of 30"):
        assert words in done.stdout
    assert "int8" not in done.stdout


def test_what_has_no_form_is_a_row_and_the_others_are_there(qembed, tmp_path):
    """L2 normalization is int8 only."""
    b = Builder((1, 6))
    one = b.node("unary", Unary("relu"), 0)
    both = b.node("binary", Binary("add"), 0, one)
    graph = b.graph(b.node("normalize", Normalize("l2"), both))
    (tmp_path / "net.tflite").write_bytes(writer.write(lower(graph)))
    np.save(tmp_path / "x.npy", samples(200, shape=(1, 6)))
    done = qembed("compare", "net.tflite", "-d", "x.npy", "--json")
    rows = {row["name"]: row for row in done.document["techniques"]}
    assert rows["int8"]["sqnr"] > 25 and rows["int8"]["failure"] is None
    assert "L2_NORMALIZATION" in rows["int16x8"]["failure"]


@pytest.mark.parametrize(
    ("labels", "words"), [(np.full(60, 5), "5 outputs"), (np.zeros(59, int), "59 labels")]
)
def test_labels_that_do_not_match_are_one_sentence(qembed, network, labels, words):
    np.save("labels.npy", labels)
    done = qembed("compare", network, "-d", "data.npz", "--labels", "labels.npy")
    assert done.status == 3 and words in done.sentence


def test_confidence_interval_of_wilson():
    """Against published values: 9 of 10, and none of 10."""
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
