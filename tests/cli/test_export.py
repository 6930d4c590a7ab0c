"""export, boards and targets."""

import shutil
import subprocess

import pytest


def test_export_builds_and_checks_itself(qembed, digits, tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    result = qembed("export", digits, "--target", "native", "-o", "out", "--json")
    assert result.document["folder"] == "out"
    assert result.document["manifest"]["prefix"] == "digits"
    done = subprocess.run(
        ["make", "-C", "out", "example"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_export_is_deterministic_and_replaces_itself(qembed, digits, tmp_path):
    for folder in ("a", "b", "b"):
        assert qembed("export", digits, "-o", folder).status == 0
    names = sorted(
        p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    assert names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_optimizing_for_size_gives_smaller_code_and_a_smaller_arena(qembed, digits):
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("no compiler for the chip here")

    def export(level):
        result = qembed("export", digits, "-o", level, "--optimize", level, "--json").document
        return result["sizes"]["code"], result["manifest"]["arena_bytes"]

    speed, balanced, size = (export(level) for level in ("speed", "balanced", "size"))
    assert size[0] < balanced[0] < speed[0]
    assert size[1] <= speed[1] == balanced[1]


def test_firmware(qembed, digits, tmp_path):
    result = qembed("export", digits, "--board", "native", "--prefix", "net", "--json")
    assert result.document["prefixes"] == ["net"]
    assert (tmp_path / "net-native" / "Makefile").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "cortex-m9"), "there is no target 'cortex-m9'; did you mean"),
        (("--board", "mps2-an3"), "there is no board 'mps2-an3'; did you mean"),
        (("--prefix", "1net"), "1net"),
        (("--prefix", "a b"), "a b"),
    ],
)
def test_wrong_choices(arguments, words, qembed, digits):
    result = qembed("export", digits, "-o", "out", *arguments)
    assert result.status == 3
    assert words in result.sentence


def test_a_folder_with_other_files_is_left_alone(qembed, digits, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    result = qembed("export", digits, "-o", "mine")
    assert result.status == 3 and "thesis.txt" in result.sentence
