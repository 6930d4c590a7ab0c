"""simulate --cluster: the files and the figures of a run in one process."""

import numpy as np
import pytest

from qembed import container

pytest.importorskip("distributed")


def test_the_command_shares_a_folder(digits, qembed, tmp_path):
    samples = container.load(digits).samples
    folder = tmp_path / "parts"
    folder.mkdir()
    for i, rows in enumerate(np.array_split(np.arange(500), 5)):
        np.savez(folder / f"part{i}.npz", x=samples.inputs[0][rows], y=samples.labels[rows])
    assert qembed("simulate", digits, "-i", folder, "-o", "here.npy").status == 0
    shared = qembed("simulate", digits, "-i", folder, "-o", "there.npy", "--cluster", "local:2")
    assert shared.status == 0
    assert (tmp_path / "here.npy").read_bytes() == (tmp_path / "there.npy").read_bytes()
    (folder / "part4.npz").write_bytes(b"PK")
    damaged = qembed("simulate", digits, "-i", folder, "--cluster", "local:2", "--json")
    assert damaged.status == 3 and "part4.npz" in damaged.stderr
    assert damaged.document["run"]["samples"] == 400


def test_a_trace_is_written_by_one_process(digits, qembed):
    assert qembed("simulate", digits, "--cluster", "local:2", "--trace", "t").status == 2
