import pytest

from qembed.errors import QembedError
from qembed.targets import LEVELS, list_targets, load_target

MINIMAL = """
description = "mine"
toolchain = "x-"
packages = []
cflags = ["-O2"]
variants = ["portable"]
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", list_targets())
def test_every_target_loads_and_can_run_every_layer(name, level):
    target = load_target(name, level)
    assert (target.name, target.optimize) == (name, level)
    assert sum(flag.startswith("-O") for flag in target.cflags) == 1
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


LEVELLED = (
    MINIMAL.replace('["-O2"]', '["-mx"]')
    + """
optimize = "size"
[size]
cflags = ["-Os"]
variants = ["small", "portable"]
[balanced]
cflags = ["-O1"]
"""
)


def test_levels_add_flags_and_may_replace_variants(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(LEVELLED)

    def seen(level):
        target = load_target(str(path), level)
        return target.optimize, target.cflags, target.variants

    assert seen(None) == seen("size") == ("size", ("-mx", "-Os"), ("small", "portable"))
    assert seen("balanced") == ("balanced", ("-mx", "-O1"), ("portable",))
    assert seen("speed") == ("speed", ("-mx",), ("portable",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MINIMAL + 'optimize = "fast"', "'optimize' is 'fast', must be one of speed"),
        (MINIMAL + "size = 3", "'size' must be a table"),
        (MINIMAL + "[size]\nflags = []", "'size' must be a table of cflags and variants"),
        (MINIMAL + '[speed]\nvariants = "x"', "'variants' has a value of the wrong kind"),
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
