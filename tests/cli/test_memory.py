"""info --memory: the plan as a picture."""

import xml.etree.ElementTree as ElementTree

import pytest

from qembed.container import load, save
from qembed.ir import Graph, Node, Tensor
from qembed.ops.reshape import Reshape
from qembed.validate import validate


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
    refused = qembed("export", digits, *limit, 500)
    assert refused.status == 3
    assert f"{least - 500} more than the 500 allowed" in refused.sentence
    assert "row by row the activations need an arena of" in refused.sentence
    assert not (tmp_path / "out").exists()
    document = qembed("export", digits, *limit, least, "--json").document
    assert document["manifest"]["arena_bytes"] <= least


@pytest.mark.parametrize("how", [("--arena-max", 1900), ("--push-rows",)])
def test_rows_that_lie_apart_are_drawn(qembed, digits, how):
    whole = qembed("info", digits, "--json").document
    summary = qembed("info", digits, *how, "--json").document
    assert summary["arena_bytes"] < whole["arena_bytes"]
    rows = [region for region in summary["memory"] if region["label"] == "image"]
    assert [region["size"] for region in rows] == [8] * 8
    for region in summary["memory"]:
        assert region["offset"] + region["size"] <= summary["arena_bytes"]
    text = qembed("info", digits, *how, "--memory").stdout
    assert any(line.split()[1:5] == ["image", "8", "x", "8"] for line in text.splitlines())


def test_what_cannot_be_pushed_is_said(qembed, digits, tmp_path):
    save(reshaped_first(), tmp_path / "flat.npz")
    refused = qembed("export", "flat.npz", "--push-rows", "-o", "out")
    assert refused.status == 3
    assert "layer 'flatten' (reshape) cannot be pushed row by row" in refused.sentence
    assert not (tmp_path / "out").exists()


def reshaped_first():
    tensors = (Tensor("image", (1, 4, 4, 1), "int8"), Tensor("flat", (1, 16), "int8"))
    node = Node("flatten", "reshape", Reshape((1, 16)), (0,), (1,))
    return validate(Graph("flat", tensors, (node,), (0,), (1,)))
