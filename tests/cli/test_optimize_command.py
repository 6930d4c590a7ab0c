"""qembed optimize: a smaller model file, the same bytes."""

import dataclasses

import numpy as np

from qembed import container
from qembed.backends.host import HostModel
from qembed.optimize import optimize


def test_the_written_model_computes_the_same_bytes(qembed, digits, tmp_path):
    small = tmp_path / "small.npz"
    document = qembed("optimize", digits, "-o", small, "--json").document
    before, after = container.load(digits), container.load(small)
    inputs = list(before.samples.inputs)
    for want, got in zip(HostModel(before).run(inputs), HostModel(after).run(inputs), strict=True):
        np.testing.assert_array_equal(got, want)
    result = optimize(before)
    assert document["removed"] == [
        {"node": r.node, "reason": r.reason, "channels": list(r.channels)} for r in result.removed
    ]
    figures = [qembed("info", path, "--json").document["macs"] for path in (digits, small)]
    assert figures == [document["macs_before"], document["macs_after"]]
    assert figures[1] < figures[0]


def test_tables_say_what_went_and_what_stays(qembed, digits):
    done = qembed("optimize", digits)
    for words in ("channel 7", "the same for every input", "not proved: kept", "72,512 -> 69,312"):
        assert words in done.stdout


def test_nothing_to_remove_is_said(qembed, digits, tmp_path):
    bare = dataclasses.replace(optimize(container.load(digits)).graph, samples=None)
    container.save(bare, tmp_path / "bare.npz")
    done = qembed("optimize", tmp_path / "bare.npz")
    assert done.status == 0 and "Nothing to remove" in done.stdout


def test_what_is_no_model_is_refused(qembed, tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK nothing")
    done = qembed("optimize", tmp_path / "x.npz", "-o", tmp_path / "y.npz")
    assert done.status == 3 and "x.npz" in done.sentence
    assert not (tmp_path / "y.npz").exists()
