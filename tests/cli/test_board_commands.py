"""boards, targets, doctor and bench."""

import json

import pytest

from qembed import container
from qembed.boards import list_boards
from qembed.targets import list_targets


def test_lists(qembed):
    boards = qembed("boards", "--json").document["boards"]
    assert tuple(row["name"] for row in boards) == list_boards()
    targets = qembed("targets", "--json").document["targets"]
    assert tuple(row["name"] for row in targets) == list_targets()
    for command, names in (("boards", list_boards()), ("targets", list_targets())):
        text = qembed(command).stdout
        assert all(name in text for name in names)


def test_doctor_names_the_remedy(qembed, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = {row["subject"]: row for row in qembed("doctor", "--json").document["checks"]}
    row = checks["board mps2-an386"]
    assert not row["ok"] and "arm-none-eabi-gcc" in row["detail"]
    assert row["remedy"].startswith("apt-get install ") and "gcc-arm-none-eabi" in row["remedy"]
    assert "apt-get install" in qembed("doctor").stdout


def test_a_missing_compiler_is_named_with_its_remedy(qembed, digits, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = qembed("bench", digits)
    assert result.status == 3
    assert "arm-none-eabi-gcc" in result.sentence and "apt-get install" in result.sentence


@pytest.mark.parametrize("board", ["nowhere", "./nowhere"])
def test_unknown_boards(board, qembed, digits):
    result = qembed("bench", digits, "--board", board)
    assert result.status == 3 and "nowhere" in result.sentence


def test_bench_counts_every_layer(qembed, digits, needs):
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "cc")
    first, again = (qembed("bench", digits, "--json").document for _ in range(2))
    assert first == again, "counts of an emulated board are deterministic"
    layers = first["layers"]
    graph = container.load(digits)
    assert [row["op"] for row in layers] == [n.op for n in graph.nodes if n.op != "reshape"]
    assert sum(row["instructions"] for row in layers) <= first["instructions"]
    assert first["macs"] == 72_512
    assert first["flash_bytes"] > first["code_bytes"] > 1000
    assert first["flash_bytes"] - first["code_bytes"] >= 2_432
    text = qembed("bench", digits).stdout
    assert f"{first['instructions']:,} instructions" in text and "stack at most" in text


def test_bench_against_a_baseline(qembed, digits, needs, tmp_path):
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "cc")
    first = qembed("bench", digits, "--json")
    path = tmp_path / "before.json"
    path.write_text(first.stdout)
    again = qembed("bench", digits, "--baseline", path, "--tolerance", "0", "--json")
    assert again.status == 0 and again.document["regressions"] == []

    before = first.document
    before["layers"][2]["instructions"] = int(before["layers"][2]["instructions"] / 1.05)
    before["flash_bytes"] -= 1
    path.write_text(json.dumps(before))
    slower = qembed("bench", digits, "--baseline", path)
    assert slower.status == 1
    assert "wide1" in slower.stdout and "+5.0%" in slower.stdout and "flash" in slower.stdout
    assert [row["figure"] for row in qembed(
        "bench", digits, "--baseline", path, "--tolerance", "0", "--json"
    ).document["regressions"]] == ["layer 2 wide1", "flash_bytes"]  # fmt: skip
    assert qembed("bench", digits, "--baseline", path, "--tolerance", "4.9").status == 1
    assert qembed("bench", digits, "--baseline", path, "--tolerance", "5.1").status == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "other"}, "of another model than 'digits'"),
        ({"board": "native"}, "of another board than 'mps2-an386'"),
        ({"command": "info"}, "of another command"),
        ({"schema": 7}, "is not what qembed bench --json prints"),
        ({"layers": None}, "lacks figures"),
        ({"layers": [{"index": 0, "name": "x", "instructions": "many"}]}, "lacks figures"),
        ({"layers": [{"index": 0, "name": "x", "instructions": 1}]}, "that this run has not"),
    ],
)
def test_baselines_that_do_not_fit(change, words, qembed, digits, needs, tmp_path):
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "cc")
    before = qembed("bench", digits, "--json").document
    (tmp_path / "before.json").write_text(json.dumps(before | change))
    result = qembed("bench", digits, "--baseline", "before.json")
    assert result.status == 3 and words in result.sentence
