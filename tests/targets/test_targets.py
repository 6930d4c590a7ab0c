import pytest

from qembed.errors import QembedError
from qembed.targets import list_targets, load_target

MINIMAL = """
description = "mine"
toolchain = "x-"
packages = []
cflags = ["-O2"]
variants = ["portable"]
"""


@pytest.mark.parametrize("name", list_targets())
def test_every_target_loads_and_can_run_every_layer(name):
    target = load_target(name)
    assert target.name == name
    assert target.variants[-1] == "portable"
    assert target.cc.endswith(target.compiler)


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(QembedError, match="no target 'cortexm4'; did you mean cortex-m4"):
        load_target("cortexm4")
    with pytest.raises(QembedError, match="targets are avr, cortex-m0"):
        load_target("zzz")


def test_a_target_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL + "alignment = 16\nram_bytes = 2048\n")
    target = load_target(str(path))
    assert (target.name, target.alignment, target.ram_bytes) == ("mine", 16, 2048)
    assert target.flash_bytes is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MINIMAL + "colour = 1", "unknown key 'colour'"),
        (MINIMAL + "alignment = 6", "power of two"),
        (MINIMAL + "ram_bytes = -1", "'ram_bytes' has a value of the wrong kind"),
        (MINIMAL.replace('["-O2"]', '"-O2"'), "'cflags' has a value of the wrong kind"),
        ('description = "x"', "'toolchain' is missing"),
        ("not toml", "mine.toml"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(QembedError, match=complaint):
        load_target(str(path))


def test_a_missing_file(tmp_path):
    with pytest.raises(QembedError, match="no such file"):
        load_target(str(tmp_path / "gone.toml"))
