"""verify and demo: the whole path, and every way in which it can fail to give an answer."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from qembed import container
from qembed.verify import subject, trial

ARM = ("arm-none-eabi-gcc", "qemu-system-arm", "make")


@pytest.fixture
def native(needs):
    needs("gcc", "make")
    return "native"


@pytest.fixture
def another_model_on_board(monkeypatch):
    """Make the board run a graph that `change` makes of the one that is verified."""

    def install(change):
        export = subject.export_firmware
        monkeypatch.setattr(
            subject,
            "export_firmware",
            lambda graphs, *rest, **options: export([change(graphs[0])], *rest, **options),
        )

    return install


def test_native_board_is_equal_in_every_byte(qembed, digits, native):
    result = qembed("verify", digits, "--board", native, "--json")
    assert result.status == 0
    (report,) = result.document["reports"]
    assert (report["verdict"], report["samples"], report["differing"]) == ("equal", 500, 0)
    graph = container.load(digits)
    assert [row["op"] for row in report["layers"]] == [
        n.op for n in graph.nodes if n.op != "reshape"
    ]
    sizes = [graph.tensors[n.outputs[0]].nbytes for n in graph.nodes if n.op != "reshape"]
    assert report["layer_bytes"] == 500 * sum(sizes)
    text = qembed("verify", digits, "--board", native, "--samples", "7").stdout
    assert "EQUAL: 7 samples, 10 layers" in text


def test_emulated_cortex_m4_is_equal_in_every_byte(qembed, digits, needs):
    needs(*ARM)
    report = qembed(
        "verify", digits, "--board", "mps2-an386", "--samples", "40", "--json"
    ).document["reports"][0]
    assert report["verdict"] == "equal" and report["samples"] == 40
    assert report["cost"]["unit"] == "instructions" and report["cost"]["least"] > 50_000


def test_user_inputs_and_random_ones(qembed, digits, native, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((9, 8, 8, 1)))
    result = qembed("verify", digits, "--board", native, "-i", "x.npy", "--json")
    assert result.document["reports"][0]["samples"] == 9
    container.save(dataclasses.replace(container.load(digits), samples=None), tmp_path / "bare.npz")
    report = qembed("verify", "bare.npz", "--board", native, "--json").document["reports"][0]
    assert report["samples"] == trial.RANDOM_SAMPLES and report["verdict"] == "equal"


@pytest.mark.parametrize("layer", [0, 4, 9])
def test_a_difference_is_found_and_shown_in_full(layer, qembed, digits, native, monkeypatch):
    """One bias on the board is off by one output step; the hash is made to fit."""
    graph = container.load(digits)
    conv = graph.nodes[layer].params
    bias = conv.bias.copy()
    by = conv.requantization
    step = 2.0**31 / by.multiplier[3].astype(float) * 2.0 ** -float(by.shift[3])
    bias[3] += np.int32(np.ceil(step))
    nodes = list(graph.nodes)
    nodes[layer] = dataclasses.replace(nodes[layer], params=dataclasses.replace(conv, bias=bias))
    wrong = dataclasses.replace(graph, nodes=tuple(nodes))

    from qembed.export import model

    true_hash = container.graph_hash(graph)
    monkeypatch.setattr(model, "graph_hash", lambda _: true_hash)
    export = subject.export_firmware
    monkeypatch.setattr(
        subject, "export_firmware", lambda _, *rest, **o: export([wrong], *rest, **o)
    )
    result = qembed("verify", digits, "--board", native, "--samples", "30", "--json")
    assert result.status == 1
    first = result.document["reports"][0]["first"]
    assert first["name"] == graph.nodes[layer].name
    assert first["index"][-1] == 3
    assert first["got"] - first["expected"] in (1, 2)
    assert first["blame"] == "board"
    text = qembed("verify", digits, "--board", native, "--samples", "30").stdout
    for words in ("DIFFERENT", f"'{graph.nodes[layer].name}'", "expected", "got", "accumulator"):
        assert words in text


def test_firmware_of_another_model(qembed, digits, native, another_model_on_board):
    another_model_on_board(lambda g: dataclasses.replace(g, nodes=g.nodes[:-1], outputs=(10,)))
    result = qembed("verify", digits, "--board", native)
    assert result.status == 3
    assert "does not hold this model" in result.sentence


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "--board"),
        (("--board", "nativ"), 3, "did you mean native"),
        (("--board", "native", "--samples", "0"), 2, "0 is not in the range"),
        (("--board", "native", "-i", "absent.npy"), 3, "no such file"),
    ],
)
def test_wrong_requests(arguments, status, words, qembed, digits):
    result = qembed("verify", digits, *arguments)
    assert result.status == status
    assert words in result.sentence


@pytest.mark.parametrize("board", ["native", "mps2-an386"])
def test_a_missing_compiler_is_named_with_its_remedy(board, qembed, digits, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = qembed("verify", digits, "--board", board)
    assert result.status == 3
    assert "is not installed" in result.sentence and "apt-get install" in result.sentence


def test_demo_on_the_emulated_chip(qembed, needs):
    needs(*ARM, "cc")
    document = qembed("demo", "--json").document
    assert document["run"]["accuracy"] >= 0.98
    assert document["verification"]["verdict"] == "equal"
    assert document["verification"]["samples"] == 500
    assert document["cost"]["instructions"] > 50_000
    text = qembed("demo").stdout
    for words in (
        "1  The model",
        "accuracy 98.40%",
        "instructions",
        "flash",
        "RAM",
        "EQUAL: 500 samples",
    ):
        assert words in text
    assert "\n\n\n" not in text


def test_demo_falls_back_to_this_computer_and_says_so(qembed, native, tmp_path, monkeypatch):
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda p, *a: None if "arm" in p else real(p, *a))
    result = qembed("demo")
    assert result.status == 0
    assert "board native" in result.stderr and "apt-get install" in result.stderr
    assert "EQUAL: 500 samples" in result.stdout


def test_verify_against_a_baseline(qembed, digits, native, tmp_path):
    arguments = ("verify", digits, "--board", native, "--samples", "20")
    before = qembed(*arguments, "--json").document
    path = tmp_path / "before.json"
    path.write_text(json.dumps(before))
    assert qembed(*arguments, "--baseline", path, "--tolerance", "100000").status == 0
    before["reports"][0]["layers"][4]["cost"] = 0.5
    path.write_text(json.dumps(before))
    result = qembed(*arguments, "--baseline", path, "--tolerance", "100000", "--json")
    assert result.status == 1
    assert result.document["verdict"] == "equal"
    assert "layer 4 depth2" in [row["figure"] for row in result.document["regressions"]]


def test_several_boards_and_what_cannot_run(qembed, digits, native, monkeypatch):
    from qembed.cli import verify as command

    twice = qembed("verify", digits, "--board", native, "--board", native, "--samples", "5")
    assert twice.status == 0 and twice.stdout.count("qembed") == 2

    monkeypatch.setattr(command, "list_boards", lambda: ("mps2-an386", "native"))
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda p, *a: None if "arm" in p else real(p, *a))
    every = qembed("verify", digits, "--board", "all", "--samples", "5", "--json")
    assert every.status == 0 and len(every.document["reports"]) == 1
    assert "skipped mps2-an386: " in every.stderr and "apt-get install" in every.stderr

    monkeypatch.setattr(command, "list_boards", lambda: ("mps2-an386",))
    nothing = qembed("verify", digits, "--board", "all")
    assert nothing.status == 3 and "no board could be verified" in nothing.stderr


def test_stress_and_repetition(qembed, digits, native):
    arguments = ("verify", digits, "--board", native, "--samples", "6")
    result = qembed(*arguments, "--stress", "layout", "--repeat", "3", "--json")
    assert result.status == 0
    reports = result.document["reports"]
    assert [r["samples"] for r in reports] == [18] * 5
    assert all(r["verdict"] == "equal" for r in reports)
    assert len({r["firmware"] for r in reports}) == 5
    assert any("arena moved by 16, full of 0x55" in r["firmware"] for r in reports)
    assert "3 times" in result.document["samples"][0]["origin"]
    both = qembed(*arguments, "--stress", "--record", "said.journal")
    assert both.status == 2 and "--stress goes without" in both.sentence


@pytest.fixture
def planted(monkeypatch):
    """Put a statement behind layer 3 of the model's C code on the board."""

    def plant(statement):
        export = subject.export_firmware

        def export_and_plant(graphs, board, folder, **options):
            project = export(graphs, board, folder, **options)
            path = folder / "model" / "digits.c"
            text = path.read_text()
            layer = "    QE_LAYER_DONE(3,"
            assert text.count(layer) == 1
            path.write_text(text.replace(layer, f"    {statement}\n{layer}"))
            return project

        monkeypatch.setattr(subject, "export_firmware", export_and_plant)

    return plant


def test_stress_finds_a_write_outside_the_arena(qembed, digits, native, planted):
    planted("digits_base[DIGITS_ARENA_BYTES + 2] = 7;")
    arguments = ("verify", digits, "--board", native, "--samples", "3")
    assert qembed(*arguments).status == 0, "nobody looks there"
    result = qembed(*arguments, "--stress")
    assert result.status == 1
    assert "it writes outside the arena, 3 bytes beyond its end" in result.stdout
    assert "3 'pool', max_pool" in result.stdout


def test_stress_finds_a_value_that_nobody_wrote(qembed, digits, native, planted):
    """Right as long as the arena's last byte happens to be even."""
    planted("if (digits_base[DIGITS_ARENA_BYTES - 1] & 1) { digits_base[40] ^= 1; }")
    arguments = ("verify", digits, "--board", native, "--samples", "3", "--stress", "--json")
    verdicts = [report["verdict"] for report in qembed(*arguments).document["reports"]]
    assert "different" in verdicts
