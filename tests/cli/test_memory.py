"""info --memory: the plan as a picture."""

import xml.etree.ElementTree as ElementTree

from qembed.container import load, save


def test_the_arena_is_drawn_and_explained(qembed, digits):
    text = qembed("info", digits, "--memory").stdout
    summary = qembed("info", digits, "--json").document
    assert f"{summary['arena_bytes']:,} │" in text
    for region in summary["memory"]:
        assert region["offset"] + region["size"] <= summary["arena_bytes"]
    assert any(line.split()[1:3] == ["image", "64"] for line in text.splitlines())
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_drawing_as_svg(qembed, digits, tmp_path):
    regions = qembed("info", digits, "--memory-svg", "plan.svg", "--json").document["memory"]
    root = ElementTree.fromstring((tmp_path / "plan.svg").read_text())
    titles = [t.text for t in root.iter("{http://www.w3.org/2000/svg}title")]
    for region in regions:
        assert any(t.startswith(f"{region['label']}: {region['size']:,} bytes") for t in titles)


def test_a_target_without_a_kernel(qembed, digits, tmp_path):
    target = tmp_path / "odd.toml"
    target.write_text(
        'description = "x"\ntoolchain = ""\npackages = []\ncflags = []\nvariants = ["none"]\n'
    )
    save(load(digits), tmp_path / "model.npz")
    result = qembed("info", "model.npz", "--target", "odd.toml", "--memory-svg", "plan.svg")
    assert result.status == 3
    assert "target 'odd' lacks a kernel for this model" in result.sentence


def test_export_within_a_limit_or_not_at_all(qembed, digits, tmp_path):
    least = qembed("info", digits, "--target", "native", "--json").document["arena_lower_bound"]
    limit = ("--target", "native", "-o", "out", "--arena-max")
    refused = qembed("export", digits, *limit, least - 4)
    assert refused.status == 3
    assert f"{4} more than the {least - 4} allowed" in refused.sentence
    assert not (tmp_path / "out").exists()
    document = qembed("export", digits, *limit, least, "--json").document
    assert document["manifest"]["arena_bytes"] <= least
