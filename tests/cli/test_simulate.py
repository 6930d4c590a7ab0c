"""simulate: inputs of every form, the numbers it reports, the files it writes."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import qembed as api
from qembed import container
from qembed.backends import reference
from support.cuda import build, cupy


@pytest.fixture
def graph(digits):
    return container.load(digits)


@pytest.fixture
def real(graph):
    """The samples as real numbers, (B, 8, 8, 1)."""
    by = graph.tensors[0].quantization
    return (graph.samples.inputs[0][:, 0].astype(np.float64) - by.zero_point) * by.scale


def test_the_models_own_samples(qembed, digits, graph):
    run = qembed("simulate", digits, "--json").document["run"]
    outputs = reference.run(graph, graph.samples.inputs)[0][:, 0]
    decided, labels = outputs.argmax(1), graph.samples.labels
    assert run["samples"] == 500 and run["correct"] == np.sum(decided == labels)
    confusion = np.zeros((10, 10), int)
    for label, decision in zip(labels, decided, strict=True):
        confusion[label, decision] += 1
    assert np.array_equal(run["confusion"], confusion)


@pytest.mark.parametrize("form", ["host", "reference"])
def test_saturation_counts_values_at_the_ends(form, qembed, digits, graph):
    rows = qembed("simulate", digits, "--form", form, "--json").document["run"]["saturation"]
    traced = reference.trace(graph, graph.samples.inputs)
    assert len(rows) == len(graph.nodes)
    for row, node in zip(rows, graph.nodes, strict=True):
        values = traced[node.outputs[0]]
        low, high = getattr(node.params, "activation_range", (-128, 127))
        zero = graph.tensors[node.outputs[0]].quantization.zero_point == low
        assert row["total"] == values.size
        assert row["at_high"] == np.sum(values == high)
        assert row["at_low"] == (None if zero else np.sum(values == low))


@pytest.fixture(scope="session")
def kernels():
    """Compile the GPU's kernels for this CPU, before a test has a cache of its own."""
    build.library()


@pytest.mark.parametrize("traced", [(), ("--no-saturation",)])
def test_the_gpu_writes_the_same_bytes(kernels, qembed, digits, tmp_path, traced):
    with cupy.installed(order=2) as world:
        result = qembed("simulate", digits, "--form", "gpu", "-o", "gpu.npy", "--json", *traced)
    assert result.document["run"]["form"] == "gpu" and world.launches
    assert qembed("simulate", digits, "-o", "host.npy").status == 0
    assert (tmp_path / "gpu.npy").read_bytes() == (tmp_path / "host.npy").read_bytes()


def test_the_api_runs_on_the_gpu(kernels, digits, graph):
    truth = reference.run(graph, graph.samples.inputs)[0]
    with cupy.installed():
        model = api.load(digits, form="gpu")
        assert np.array_equal(model.run(graph.samples.inputs[0]), truth)
        assert np.array_equal([*model.trace(graph.samples.inputs[0]).values()][-1], truth)
        assert api.simulate(digits, form="gpu").samples == len(truth)


def test_without_a_gpu_there_is_a_sentence_and_no_file(qembed, digits):
    with cupy.replaced_by(None):
        result = qembed("simulate", digits, "--form", "gpu", "-o", "gpu.npy")
    assert result.status == 3
    assert "pip install 'qembed[gpu]', or take --form host" in result.sentence


def test_both_forms_write_the_same_bytes(qembed, digits, graph, tmp_path):
    for form in ("host", "reference"):
        assert qembed("simulate", digits, "--form", form, "-o", f"{form}.npy").status == 0
    host = np.load(tmp_path / "host.npy")
    assert host.dtype == np.int8 and host.shape == (500, 1, 10)
    assert (tmp_path / "host.npy").read_bytes() == (tmp_path / "reference.npy").read_bytes()
    assert np.array_equal(host, reference.run(graph, graph.samples.inputs)[0])


def test_inputs_of_every_form_give_the_same(qembed, digits, graph, real, tmp_path):
    (quantized,) = graph.samples.inputs
    qembed("simulate", digits, "-o", "wanted.npy")
    forms = {
        "full": quantized,
        "without-one": quantized[:, 0],
        "big-endian": real.astype(">f8"),
        "float32": real.astype(np.float32),
        "float-full": real[:, None],
    }
    for name, array in forms.items():
        np.save(tmp_path / f"{name}.npy", array)
        result = qembed("simulate", digits, "-i", f"{name}.npy", "-o", "got.npy", "--no-saturation")
        assert result.status == 0, name
        assert (tmp_path / "got.npy").read_bytes() == (tmp_path / "wanted.npy").read_bytes(), name


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("key", ["x", "inputs", "image"])
def test_archives(save, key, qembed, digits, graph, real, tmp_path):
    save(tmp_path / "data.npz", **{key: real, "labels": graph.samples.labels})
    run = qembed("simulate", digits, "-i", "data.npz", "--json").document["run"]
    assert run["correct"] == 492
    save(
        tmp_path / "names.npz", **{key: real, "y": graph.samples.labels, "labels": np.array(["a"])}
    )
    run = qembed("simulate", digits, "-i", "names.npz", "--json").document["run"]
    assert run["correct"] == 492


def test_one_sample_without_batch(qembed, digits, graph, tmp_path):
    (quantized,) = graph.samples.inputs
    for name, array in (("a", quantized[3]), ("b", quantized[3, 0])):
        np.save(tmp_path / f"{name}.npy", array)
        assert qembed("simulate", digits, "-i", f"{name}.npy", "-o", "out.npy").status == 0
        assert np.array_equal(
            np.load(tmp_path / "out.npy"), reference.run(graph, [quantized[3:4]])[0]
        )


def test_labels_from_a_file(qembed, digits, graph, tmp_path):
    np.save(tmp_path / "labels.npy", (graph.samples.labels + 1).astype(np.uint8) % 10)
    run = qembed("simulate", digits, "--labels", "labels.npy", "--json").document["run"]
    assert run["correct"] < 20


def test_dequantized_outputs(qembed, digits, graph, tmp_path):
    qembed("simulate", digits, "-o", "real.npy", "--dequantize")
    values = np.load(tmp_path / "real.npy")
    assert values.dtype == np.float32
    assert np.all(np.abs(values.sum(axis=2) - 1) < 0.03)


def test_trace_holds_every_tensor(qembed, digits, graph, tmp_path):
    assert qembed("simulate", digits, "--trace", "trace", "-o", "out.npz").status == 0
    index = json.loads((tmp_path / "trace/index.json").read_text())
    traced = reference.trace(graph, graph.samples.inputs)
    assert len(index) == len(traced) == len(graph.tensors)
    for row in index:
        number = int(row["file"].removesuffix(".npy"))
        assert np.array_equal(np.load(tmp_path / "trace" / row["file"]), traced[number])
    with np.load(tmp_path / "out.npz") as archive:
        assert np.array_equal(archive["classes"], traced[graph.outputs[0]])
    again = qembed("simulate", digits, "--trace", "trace")
    assert again.status == 3 and "exists already" in again.sentence


def test_memory_is_bounded_by_blocks(qembed, digits, monkeypatch, tmp_path, real):
    """Many blocks give what one gives; no block is larger than asked for."""
    from qembed.report import evaluation

    sizes = []
    wanted = qembed("simulate", digits, "--json").document["run"]
    monkeypatch.setattr(evaluation, "MAX_BLOCK", 37)
    whole = evaluation.run_blocks
    monkeypatch.setattr(
        evaluation,
        "run_blocks",
        lambda *a: (sizes.append(len(b.outputs[0])) or b for b in whole(*a)),
    )
    np.savez_compressed(tmp_path / "d.npz", x=real, y=container.load(digits).samples.labels)
    for arguments in ((), ("-i", "d.npz")):
        run = qembed("simulate", digits, *arguments, "--json").document["run"]
        assert {k: run[k] for k in run if k != "seconds"} == {
            k: wanted[k] for k in wanted if k != "seconds"
        }
    assert max(sizes) == 37 and sum(sizes) == 1000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: x[:, 0, :, :, 0], "do not fit 'image', which takes [B, 8, 8, 1]"),
        (lambda x: x.reshape(500, 64), "do not fit"),
        (lambda x: x[:, :, :7], "do not fit"),
        (
            lambda x: x.astype(np.uint8),
            "holds uint8 but input 'image' takes quantized int8 or real",
        ),
        (lambda x: x.astype(np.int64), "holds int64"),
        (lambda x: x.astype(np.complex64), "only plain numbers"),
        (lambda x: x.astype(str), "holds str"),
        (lambda x: x[:0], "no samples"),
        (lambda x: np.where(x == -128, np.nan, x), "not a number"),
        (lambda x: np.array([{}]), "never Python objects"),
        (lambda x: np.array(None), "never Python objects"),
        (lambda x: np.asfortranarray(x), "Fortran order"),
    ],
)
def test_inputs_that_do_not_fit(make, words, qembed, digits, graph, tmp_path):
    np.save(tmp_path / "bad.npy", make(graph.samples.inputs[0]), allow_pickle=True)
    result = qembed("simulate", digits, "-i", "bad.npy", "-o", "out.npy", "--trace", "t")
    assert result.status == 3
    assert words in result.sentence


def test_damaged_inputs(qembed, digits, real, tmp_path):
    np.savez_compressed(tmp_path / "good.npz", x=real)
    raw = bytearray((tmp_path / "good.npz").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "flipped.npz").write_bytes(raw)
    np.save(tmp_path / "good.npy", real)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "good.npy").read_bytes()[:-1])
    (tmp_path / "text.npy").write_text("1 2 3")
    np.savez(tmp_path / "other.npz", z=real)
    for name in ("flipped.npz", "cut.npy", "text.npy", "other.npz", "absent.npy"):
        result = qembed("simulate", digits, "-i", name, "-o", "out.npy", "--trace", "t")
        assert result.status == 3
        assert name in result.sentence


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros(499, np.int64), "499 labels for 500 samples"),
        (np.zeros((500, 1), np.int64), "must be integers of shape [B]"),
        (np.zeros(500), "must be integers"),
        (np.full(500, 10), "do not fit an output of 10"),
        (np.full(500, -1), "do not fit an output of 10"),
    ],
)
def test_bad_labels(labels, words, qembed, digits, tmp_path):
    np.save(tmp_path / "labels.npy", labels)
    result = qembed("simulate", digits, "--labels", "labels.npy", "-o", "out.npy")
    assert result.status == 3
    assert words in result.sentence


def test_bad_outputs(qembed, digits):
    assert "npy" in qembed("simulate", digits, "-o", "out.txt").sentence
    assert "no such file" in qembed("simulate", digits, "-o", "no/such/out.npy").sentence


def test_a_model_without_samples(qembed, shared):
    result = qembed("simulate", shared / "models/kws_int8.tflite")
    assert result.status == 3 and "give it inputs with -i" in result.sentence


def test_real_keywords(qembed, shared):
    """A network of another tool, on the fly, on 600 real recordings."""
    result = qembed(
        "simulate", shared / "models/kws_int8.tflite", "-i", shared / "data/kws01.npz", "--json"
    )
    assert result.document["run"]["correct"] == 538


def test_interrupted(digits, graph, tmp_path):
    """Ctrl-C in the middle: status 130, one line, nothing half-written."""
    (quantized,) = graph.samples.inputs
    np.save(tmp_path / "many.npy", np.concatenate([quantized] * 40))
    command = [sys.executable, "-m", "qembed", "simulate", digits, "-i", "many.npy"]
    command += ["--form", "reference", "-o", "out.npz", "--trace", "trace"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".trace*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == "qembed: interrupted\n"
    assert [p.name for p in tmp_path.iterdir()] == ["many.npy"]
