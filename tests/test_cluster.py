"""Clusters: the same bytes whoever computes them; lost workers and damaged shards."""

import contextlib
import os
import signal

import numpy as np
import pytest

from qembed import api, cluster, container
from qembed.backends import reference
from qembed.dataset import open_dataset
from qembed.errors import InputError, QembedError, ToolError
from qembed.report import sharding
from qembed.report.evaluation import evaluate

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def workers():
    with cluster.connect("local:2") as client:
        yield client


@pytest.fixture
def local(workers, monkeypatch):
    """`connect` gives the workers of the module, whatever it is asked for."""
    monkeypatch.setattr(cluster, "connect", lambda where: contextlib.nullcontext(workers))
    return workers


@pytest.fixture(scope="module")
def graph():
    return container.load(api.example())


def fails_on_three(x):
    if x == 3:
        raise QembedError("three is refused")
    return x * x


def test_outcomes_come_in_order_and_failures_with_their_reason(workers):
    outcomes = list(cluster.map(workers, fails_on_three, range(40)))
    assert [o.value for o in outcomes] == [None if x == 3 else x * x for x in range(40)]
    assert [o.failure for o in outcomes if o.failure] == ["three is refused"]


def collected(graph, dataset, **options):
    parts = []
    run, failures = sharding.evaluate_on(
        "local:2", graph, dataset, use=lambda block: parts.append(block.outputs[0]), **options
    )
    return run, failures, np.concatenate(parts)


def folder_of(graph, path, files=5):
    """The model's samples in several files, labels with them."""
    x, y = graph.samples.inputs[0], graph.samples.labels
    path.mkdir()
    for i, rows in enumerate(np.array_split(np.arange(len(x)), files)):
        np.savez(path / f"part{i}.npz", x=x[rows], y=y[rows])
    return path


@pytest.mark.parametrize("size", [37, 100, 1000])
def test_shards_change_nothing(size, graph, local):
    dataset = open_dataset(graph)
    here = evaluate(graph, dataset)
    there, failures, outputs = collected(graph, dataset, shard_samples=size)
    assert failures == []
    assert outputs.tobytes() == reference.run(graph, graph.samples.inputs)[0].tobytes()
    assert (there.samples, there.correct, there.saturation) == (500, here.correct, here.saturation)
    assert np.array_equal(there.confusion, here.confusion)


def test_a_worker_that_is_killed_midway_is_survived(graph):
    x = np.concatenate([graph.samples.inputs[0]] * 40)
    killed, parts = [], []
    with cluster.connect("local:2") as client:
        before = client.run(os.getpid)

        def use(block):
            parts.append(block.outputs[0])
            if len(parts) == 3:
                killed.append(next(iter(before.values())))
                os.kill(killed[0], signal.SIGKILL)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cluster, "connect", lambda where: contextlib.nullcontext(client))
            run, failures = sharding.evaluate_on(
                "local:2", graph, open_dataset(graph, x), use=use, shard_samples=500
            )
        after = client.run(os.getpid)
    assert killed and killed[0] not in after.values()
    assert failures == [] and run.samples == len(x)
    want = reference.run(graph, graph.samples.inputs)[0]
    assert np.concatenate(parts).tobytes() == want.tobytes() * 40


def test_folders_and_zarr_stores_are_the_same_data(graph, local, tmp_path):
    zarr = pytest.importorskip("zarr")
    want = evaluate(graph, open_dataset(graph))
    folder = folder_of(graph, tmp_path / "parts")
    group = zarr.open_group(tmp_path / "store.zarr", mode="w")
    group.create_array("x", data=graph.samples.inputs[0], chunks=(64, 1, 8, 8, 1))
    group.create_array("labels", data=graph.samples.labels)
    for path in (folder, tmp_path / "store.zarr"):
        dataset = open_dataset(graph, path)
        assert dataset.count == 500
        for run in (evaluate(graph, dataset), collected(graph, dataset, shard_samples=130)[0]):
            assert np.array_equal(run.confusion, want.confusion)
            assert run.saturation == want.saturation


def test_a_damaged_shard_is_named_and_the_others_are_kept(graph, local, tmp_path):
    folder = folder_of(graph, tmp_path / "parts")
    (folder / "part1.npz").write_bytes((folder / "part1.npz").read_bytes()[:900])
    with pytest.raises(InputError, match=r"part1\.npz"):
        open_dataset(graph, folder)
    dataset = open_dataset(graph, folder, tolerant=True)
    run, failures, outputs = collected(graph, dataset, shard_samples=100)
    assert run.samples == len(outputs) == 400
    assert len(failures) == 1 and "part1.npz" in failures[0]
    with pytest.raises(QembedError, match=r"not run: .*part1\.npz"):
        sharding.refuse_damaged(failures)


def test_a_chunk_damaged_after_opening_costs_its_shard_alone(graph, local, tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "store.zarr"
    zarr.create_array(path, data=graph.samples.inputs[0], chunks=(100, 1, 8, 8, 1))
    dataset = open_dataset(graph, path)
    chunk = path / "c/2"
    while chunk.is_dir():
        chunk = next(chunk.iterdir())
    chunk.write_bytes(b"not a chunk")
    run, failures, outputs = collected(graph, dataset, shard_samples=100)
    assert run.samples == 400 and len(failures) == 1
    assert failures[0].startswith("samples 200 to 299: ") and "store.zarr" in failures[0]
    want = reference.run(graph, graph.samples.inputs)[0]
    assert not outputs[200:300].any()
    keep = np.r_[0:200, 300:500]
    assert outputs[keep].tobytes() == want[keep].tobytes()
    with pytest.raises(InputError, match="rows 0 to 499"):
        evaluate(graph, dataset)


def test_a_file_that_workers_do_not_see_is_named(graph, local, tmp_path):
    path = tmp_path / "gone.npy"
    np.save(path, graph.samples.inputs[0])
    dataset = open_dataset(graph, path)
    path.unlink()
    with pytest.raises(InputError, match=r"gone\.npy: no such file"):
        collected(graph, dataset)


@pytest.mark.parametrize(
    ("where", "words"),
    [("tcp://127.0.0.1:9", "no cluster answers at tcp://127.0.0.1:9"), ("here", "neither local:N")],
)
def test_a_cluster_that_is_not_there_is_one_sentence(where, words, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ToolError, match=words), cluster.connect(where):
        pass


def test_state_is_not_shared():
    from backends.test_host import counter

    made = counter()
    dataset = open_dataset(made, np.ones((6, 1, 4), np.int8))
    with pytest.raises(InputError, match="state"):
        sharding.evaluate_on("local:2", made, dataset)
