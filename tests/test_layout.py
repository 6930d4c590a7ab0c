"""One operator is one name: every stage keeps it in a file of that name."""

import importlib
from pathlib import Path

import pytest

from qembed.ops import OPERATORS

ROOT = Path(__file__).parents[1]
STAGES = (
    "qembed/ops/{}.py",
    "qembed/importers/tflite/ops/{}.py",
    "cython_src/{}.pyx",
    "qembed/backends/gpu/ops/{}.py",
    "firmware_templates/kernels/include/qe_{}.h",
    "firmware_templates/kernels/src/portable/qe_{}.c",
    "qembed/export/ops/{}.py",
    "tests/ops/test_{}.py",
)


FROM_ONNX = {"conv_integer", "dynamic_quantize", "matmul_integer", "pair_lookup"}
"""Made of .onnx files alone, whose importer has modules by kinds of operators."""


@pytest.mark.parametrize("stem", OPERATORS)
def test_every_operator_has_every_stage(stem):
    stages = [s for s in STAGES if stem not in FROM_ONNX or "importers/tflite" not in s]
    assert [s.format(stem) for s in stages if not (ROOT / s.format(stem)).is_file()] == []


def test_every_module_of_operators_is_registered():
    modules = {path.stem for path in (ROOT / "qembed/ops").glob("[!_]*.py")}
    assert modules == set(OPERATORS)


@pytest.mark.parametrize("stem", OPERATORS)
def test_registry_entry_is_complete(stem):
    module = importlib.import_module(f"qembed.ops.{stem}")
    operator = OPERATORS[stem]
    assert operator.params.__module__ == module.__name__
    assert operator.infer is module.infer
    assert operator.reference is module.reference
    assert operator.macs is getattr(module, "macs", None)
    assert operator.accumulate is getattr(module, "accumulate", None)
    assert operator.rows is getattr(module, "rows", None)


def test_the_repository_names_no_place_of_its_making():
    """No absolute path of a machine, no host of a package registry."""
    forbidden = ("/wo" + "rk/", "/ro" + "ot/", "pypi." + "org", "/ho" + "me/")
    suffixes = {
        ".py",
        ".pyx",
        ".pxd",
        ".c",
        ".h",
        ".md",
        ".toml",
        ".j2",
        ".sh",
        ".txt",
        ".ld",
        ".S",
    }
    folders = ("qembed", "cython_src", "firmware_templates", "tests", "bench", "docs", "examples")
    files = [p for f in (*folders, "tools") for p in (ROOT / f).rglob("*") if p.suffix in suffixes]
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in [*files, *ROOT.glob("*.md"), ROOT / "Makefile"]
        for word in forbidden
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []
