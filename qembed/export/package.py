"""Export a model as a folder that anyone can build: library, test vectors, README, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qembed
from qembed.errors import UnsupportedError
from qembed.export import c_text
from qembed.export.folder import write_folder
from qembed.export.lowering import CArray
from qembed.export.manifest import manifest, size_report, to_json
from qembed.export.model import ModelSources, model_sources
from qembed.export.sizes import Sizes, measure
from qembed.export.templates import render
from qembed.ir import AnyArray, Graph
from qembed.plan import Plan
from qembed.targets import Target


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Samples and what the desk computes for them.

    Attributes
    ----------
    inputs : tuple of ndarray
        One per graph input, shape (B, *tensor.shape), B >= 1.
    outputs : tuple of ndarray
        One per graph output, likewise.
    """

    inputs: tuple[AnyArray, ...]
    outputs: tuple[AnyArray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExportResult:
    """An export as it lies on disk.

    Attributes
    ----------
    folder : Path
    prefix : str
    files, sources, include_dirs : tuple of str
        Paths below `folder`: all files; those to compile; folders for ``-I``.
    plan : Plan
    manifest : dict
        Content of ``<prefix>.json``.
    sizes : Sizes, optional
        As compiled; None where the target's compiler is not installed.
    """

    folder: Path
    prefix: str
    files: tuple[str, ...]
    sources: tuple[str, ...]
    include_dirs: tuple[str, ...]
    plan: Plan
    manifest: dict[str, Any]
    sizes: Sizes | None


def export_model(
    graph: Graph,
    target: Target,
    folder: Path,
    *,
    prefix: str | None = None,
    vectors: Vectors | None = None,
    arena_max: int | None = None,
    push_rows: bool = False,
) -> ExportResult:
    """Write a model as C99 with everything needed to build, try and check it.

    Parameters
    ----------
    graph : Graph
        Validated.
    target : Target
    folder : Path
        Created; an earlier export there is replaced, anything else is not touched.
    prefix : str, optional
        Begins every C name; by default made from the graph's name.
    vectors : Vectors, optional
        With them the export carries an example program that runs and compares them.
    arena_max : int, optional
        Bytes of RAM that the activations may take; never more than the target's budget.
    push_rows : bool
        The input comes row by row, and is never whole.

    Raises
    ------
    QembedError
        If the prefix cannot begin C names or the folder cannot be written.
    UnsupportedError
        If the target has no kernel for a node, or a budget is exceeded.
    ToolError
        If the target's compiler is installed and rejects the sources.
    """
    limits = [limit for limit in (arena_max, target.ram_bytes) if limit is not None]
    model = model_sources(graph, target, prefix, min(limits, default=None), push_rows)
    sizes = measure(model.files, model.sources, model.include_dirs, model.arrays, target)
    require_budget(target, model, sizes)
    document = manifest(graph, target, model)
    files = {
        **model.files,
        **_surroundings(graph, target, model, document, sizes, vectors),
        f"{model.prefix}.json": to_json(document),
        "sizes.json": to_json(size_report(document, sizes)),
    }
    write_folder(folder, files)
    return ExportResult(
        folder=folder,
        prefix=model.prefix,
        files=tuple(sorted(files)),
        sources=model.sources,
        include_dirs=model.include_dirs,
        plan=model.plan,
        manifest=document,
        sizes=sizes,
    )


def require_budget(target: Target, model: ModelSources, sizes: Sizes | None) -> None:
    """Refuse a model that its target cannot hold.

    Raises
    ------
    UnsupportedError
        With both numbers.
    """
    arena, weights = model.plan.arena_bytes, sum(model.arrays.values())
    ram = arena + (sizes.data if sizes else 0)
    flash = sizes.flash if sizes else weights
    budgets = (
        ("RAM", ram, target.ram_bytes, f"its arena takes {arena}"),
        ("flash", flash, target.flash_bytes, f"its weights take {weights}"),
    )
    for memory, needed, budget, mostly in budgets:
        if budget is not None and needed > budget:
            raise UnsupportedError(
                f"model '{model.prefix}' needs {needed} bytes of {memory}, {needed - budget} more "
                f"than the {budget} of target '{target.name}' ({mostly})"
            )


def _surroundings(
    graph: Graph,
    target: Target,
    model: ModelSources,
    document: dict[str, Any],
    sizes: Sizes | None,
    vectors: Vectors | None,
) -> dict[str, bytes]:
    """Everything around the sources: build files, README and, with vectors, the example."""
    values = {
        "prefix": model.prefix,
        "macro": model.prefix.upper(),
        "title": f"Model '{c_text.comment(graph.name)}' as a C function.",
        "version": qembed.__version__,
        "target": target,
        "sources": model.sources,
        "include_flags": " ".join(f"-I{name}" for name in model.include_dirs),
        "include_dirs": model.include_dirs,
        "manifest": document,
        "sizes": sizes,
        "pushed": model.pushed,
        "vectors": None if vectors is None else _vector_values(graph, model.prefix, vectors),
    }
    templates = ["Makefile", "CMakeLists.txt", "README.md"]
    files = {name: render(f"model/{name}.j2", values) for name in templates}
    if vectors is not None:
        files["example/main.c"] = render("model/example_main.c.j2", values)
        files[f"example/{model.prefix}_vectors.h"] = render("model/vectors.h.j2", values)
    return files


def _vector_values(graph: Graph, prefix: str, vectors: Vectors) -> dict[str, Any]:
    """Arrays of the test vectors, and their names by sample."""
    count = len(vectors.inputs[0])
    arrays: list[dict[str, Any]] = []

    def names(kind: str, indices: Sequence[int], values: Sequence[AnyArray]) -> list[list[str]]:
        table: list[list[str]] = [[] for _ in range(count)]
        for i, (index, batch) in enumerate(zip(indices, values, strict=True)):
            for sample in range(count):
                name = f"{prefix}_{kind}_{i}_of_{sample}"
                c_type = c_text.C_TYPES[graph.tensors[index].dtype]
                arrays.append(c_text.array_values(name, CArray(name, c_type, batch[sample])))
                table[sample].append(name)
        return table

    return {
        "count": count,
        "inputs": names("input", graph.inputs, vectors.inputs),
        "outputs": names("output", graph.outputs, vectors.outputs),
        "arrays": arrays,
    }
