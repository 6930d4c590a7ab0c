"""The exported folder: builds with its own Makefile and CMake file, runs its own vectors."""

import dataclasses
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from qembed.backends import reference
from qembed.container import graph_hash, load
from qembed.errors import ToolError, UnsupportedError
from qembed.export import Vectors, export_model, model_sources, plan_for
from qembed.importers import import_model
from qembed.resources import PACKAGE
from qembed.targets import load_target
from support import exported

SANITIZE = "-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined"
NETWORKS = ("kws_int8", "ic_int8", "ad_int8", "person_detect", "micro_speech", "hello_world_int8")


def vectors_of(graph, count, seed=0):
    inputs = exported.random_inputs(graph, count, seed)
    return Vectors(inputs, reference.run(graph, inputs))


def make(folder, *arguments):
    return subprocess.run(
        ["make", "-s", "-j2", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    graph = load(PACKAGE / "data/digits.npz")
    folder = tmp_path_factory.mktemp("export") / "digits"
    target = load_target("cortex-m4")
    return graph, export_model(graph, target, folder, vectors=vectors_of(graph, 5))


def test_the_makefile_builds_the_library_and_checks_the_vectors(digits):
    _, result = digits
    assert make(result.folder).returncode == 0
    assert (result.folder / "build/libdigits.a").is_file()
    done = make(result.folder, "check", f"HOST_CFLAGS={SANITIZE}")
    assert (done.returncode, done.stdout) == (0, "digits: 5 samples, 0 outputs differ\n")


def test_the_example_notices_a_wrong_weight(digits, tmp_path):
    _, result = digits
    folder = shutil.copytree(result.folder, tmp_path / "broken")
    path = folder / "digits_weights.h"
    text = path.read_text()
    at = text.index("{\n    ", text.index("fully_connected_bias")) + 6
    path.write_text(f"{text[:at]}99999 + {text[at:]}")
    done = make(folder, "check")
    assert done.returncode != 0
    assert re.fullmatch(r"digits: 5 samples, [1-5] outputs differ\n", done.stdout)


def test_cmake_builds_the_library(digits, tmp_path):
    _, result = digits
    if shutil.which("cmake") is None:
        text = (result.folder / "CMakeLists.txt").read_text()
        assert all(source in text for source in result.sources)
        return
    for command in (["cmake", "-S", result.folder, "-B", "."], ["cmake", "--build", "."]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)


def test_the_manifest_describes_every_layer(digits):
    graph, result = digits
    manifest = json.loads((result.folder / "digits.json").read_text())
    assert manifest == result.manifest
    assert manifest["hash"] == graph_hash(graph).hex()
    assert [layer["index"] for layer in manifest["layers"]] == list(range(10))
    for layer in manifest["layers"]:
        node, tensor = graph.nodes[layer["node"]], graph.tensors[layer["tensor"]]
        assert layer["name"] == node.name and layer["op"] == node.op
        assert layer["tensor"] in node.outputs
        assert layer["bytes"] == tensor.nbytes and layer["shape"] == list(tensor.shape)
        assert layer["offset"] + layer["bytes"] <= manifest["arena_bytes"]
    constants = sum(layer["constant_bytes"] for layer in manifest["layers"])
    assert constants == manifest["constant_bytes"] == result.sizes.weights


def test_sizes_are_those_of_the_linker(digits):
    """What the report calls code is what the toolchain's own program counts as text."""
    _, result = digits
    make(result.folder)
    listed = subprocess.run(
        ["arm-none-eabi-size", "-t", "build/libdigits.a"],
        cwd=result.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()[-1]
    text, data, bss = map(int, listed.split()[:3])
    assert result.sizes.flash == text
    assert result.sizes.data == data + bss


def test_without_vectors_there_is_no_example(tmp_path):
    graph = load(PACKAGE / "data/digits.npz")
    result = export_model(graph, load_target("native"), tmp_path / "out")
    assert not any(name.startswith("example/") for name in result.files)
    assert "check" not in (tmp_path / "out/Makefile").read_text()
    assert make(tmp_path / "out").returncode == 0


def test_without_the_compiler_sizes_are_not_known(tmp_path):
    graph = load(PACKAGE / "data/digits.npz")
    target = dataclasses.replace(load_target("native"), compiler="no-such-compiler")
    result = export_model(graph, target, tmp_path / "out")
    assert result.sizes is None
    assert json.loads((tmp_path / "out/sizes.json").read_text())["compiled"] is None


def test_a_compiler_that_fails_is_named(tmp_path):
    graph = load(PACKAGE / "data/digits.npz")
    target = dataclasses.replace(load_target("native"), cflags=("-mno-such-flag",))
    with pytest.raises(ToolError, match=r"gcc failed: .*-mno-such-flag"):
        export_model(graph, target, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("budget", "complaint"),
    [
        ({"ram_bytes": 500}, r"need an arena of \d+ bytes, \d+ more than the 500 allowed"),
        ({"flash_bytes": 4096}, r"flash, \d+ more than the 4096 of target 'native' \(its weights"),
    ],
)
def test_a_budget_exceeded_has_the_numbers(tmp_path, budget, complaint):
    graph = load(PACKAGE / "data/digits.npz")
    target = dataclasses.replace(load_target("native"), **budget)
    with pytest.raises(UnsupportedError, match=complaint):
        export_model(graph, target, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_variables_count_as_ram_too(tmp_path):
    graph, native = load(PACKAGE / "data/digits.npz"), load_target("native")
    _, plan = plan_for(graph, native)
    tight = dataclasses.replace(native, ram_bytes=plan.arena_bytes)
    with pytest.raises(
        UnsupportedError, match=rf"of RAM, .*\(its arena takes {plan.arena_bytes}\)"
    ):
        export_model(graph, tight, tmp_path / "out")


PLANS = [(name, target, None) for name in NETWORKS for target in ("native", "cortex-m4")]
PLANS += [("ic_int8", "cortex-m4", 33_600), ("person_detect", "cortex-m4", 37_000)]


@pytest.mark.parametrize(("name", "target", "arena_max"), PLANS)
def test_real_networks_layer_by_layer(shared, name, target, arena_max):
    """In the arena that is planned for a chip, on this machine."""
    graph = import_model(shared / "models" / f"{name}.tflite")
    inputs = exported.random_inputs(graph, 2)
    expected = reference.trace(graph, inputs)
    sources = model_sources(graph, load_target(target), arena_max=arena_max)
    sanitize = ("-fsanitize=undefined", "-fno-sanitize-recover=undefined")
    model = exported.build(graph, "-O2", *sanitize, sources=sources)
    for i in range(2):
        outputs, layers = model.step([batch[i] for batch in inputs])
        for tensor, array in layers.items():
            np.testing.assert_array_equal(array, expected[tensor][i])
        for tensor, array in zip(graph.outputs, outputs, strict=True):
            np.testing.assert_array_equal(array, expected[tensor][i])


@pytest.mark.parametrize("target", ["native", "cortex-m4"])
@pytest.mark.parametrize("name", NETWORKS)
def test_real_networks_under_the_address_sanitizer(shared, tmp_path, name, target):
    graph = import_model(shared / "models" / f"{name}.tflite")
    export_model(graph, load_target(target), tmp_path / "out", vectors=vectors_of(graph, 3, 7))
    done = make(tmp_path / "out", "check", f"HOST_CFLAGS={SANITIZE}")
    assert (done.returncode, done.stdout) == (0, f"{name}: 3 samples, 0 outputs differ\n")


ARENAS = {
    "kws_int8": (9_500, 8_400),
    "ic_int8": (35_000, 33_600),
    "ad_int8": (768, 768),
    "person_detect": (40_000, 37_500),
}
"""Bytes for speed, and for size."""


@pytest.mark.parametrize("target", ["native", "cortex-m4"])
@pytest.mark.parametrize("name", ARENAS)
def test_arenas_of_real_networks(shared, name, target):
    _, plan = plan_for(import_model(shared / f"models/{name}.tflite"), load_target(target))
    print(f"{name}, {target}: arena {plan.arena_bytes}, lower bound {plan.lower_bound}")
    assert plan.arena_bytes <= ARENAS[name][0]


@pytest.mark.parametrize("name", ARENAS)
def test_small_arenas_of_real_networks(shared, name):
    """Slower kernels take over where the fast ones do not fit, and only there; rows have an end."""
    graph, chip = import_model(shared / f"models/{name}.tflite"), load_target("cortex-m4")
    limit = ARENAS[name][1]
    fast, _ = plan_for(graph, chip)
    lowerings, plan = plan_for(graph, chip, limit)
    slowed = [
        low.stem for low, best in zip(lowerings, fast, strict=True) if low.variant != best.variant
    ]
    print(f"{name}: arena {plan.arena_bytes}, {len(slowed)} layers slower: {' '.join(slowed)}")
    assert plan.arena_bytes <= limit
    with pytest.raises(UnsupportedError, match=rf"more than the {limit // 4} allowed"):
        plan_for(graph, chip, limit // 4)


def test_arena_max_reaches_the_plan(tmp_path):
    graph = load(PACKAGE / "data/digits.npz")
    with pytest.raises(UnsupportedError, match="more than the 1000 allowed"):
        export_model(graph, load_target("native"), tmp_path / "out", arena_max=1000)
    assert not (tmp_path / "out").exists()
