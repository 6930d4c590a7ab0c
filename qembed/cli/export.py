"""qembed export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from qembed.backends.host import HostModel
from qembed.boards import load_board
from qembed.cli._common import (
    FILE,
    cmsis_nn_option,
    emit,
    json_option,
    load_model,
    memory_options,
    model_argument,
    optimize_option,
    simplify_option,
    stderr,
    target_option,
)
from qembed.cli._tflite import write_tflite
from qembed.dataset import blocks, open_dataset, random_dataset
from qembed.errors import QembedError
from qembed.export import ExportResult, Vectors, export_model
from qembed.export.c_text import sanitize_prefix
from qembed.export.firmware import export_firmware
from qembed.export.manifest import manifest
from qembed.ir import Graph
from qembed.plan import Plan
from qembed.report.terminal import count, pairs
from qembed.targets import load_target
from qembed.verify import exports


@click.command("export")
@model_argument
@target_option
@click.option("--board", help="Write a complete firmware for this board; see qembed boards.")
@click.option(
    "-o", "--output", type=FILE, help="Folder; by default the model's name and the target."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["c", "tflite"]),
    default="c",
    help="tflite: one file for other runtimes; it is read back and compared first.",
)
@click.option("--prefix", help="Begins every C name; by default the model's name.")
@click.option(
    "--vectors",
    type=click.IntRange(0, 1000),
    default=3,
    help="Test vectors to export with a C example that checks them.",
)
@memory_options
@simplify_option
@optimize_option
@cmsis_nn_option
@click.option("--mlperf", is_flag=True, help="With --board: also answer the MLPerf Tiny runner.")
@json_option
def command(
    model: Path | None,
    target: str,
    board: str | None,
    output: Path | None,
    form: str,
    prefix: str | None,
    vectors: int,
    simplify: bool,
    arena_max: int | None,
    push_rows: bool,
    optimize: str | None,
    cmsis_nn: Path | None,
    mlperf: bool,
    as_json: bool,
) -> None:
    """Write a model as C99: data, calls, and the kernels that it uses; nothing else.

    The folder has sources, a Makefile, a README, sizes and test vectors. The same model gives the
    same bytes. With --board it is a complete firmware with the verification link.
    """
    if mlperf and board is None:
        raise click.UsageError("--mlperf goes with --board: it is a firmware that answers")
    if form == "tflite" and board is not None:
        raise click.UsageError("--format tflite goes without --board")
    if cmsis_nn is not None and board is None:
        raise click.UsageError("--cmsis-nn goes with --board: a model alone calls no library")
    if mlperf and push_rows:
        raise click.UsageError("--mlperf goes without --push-rows: its runner sends whole inputs")
    graph = load_model(model, simplify)
    name = prefix or sanitize_prefix(graph.name)
    if form == "tflite":
        path = output or Path(f"{name}.tflite")
        size = write_tflite(graph, path)
        click.echo(f"wrote {path}, {size:,} bytes", err=True)
        emit("export", {"file": path, "bytes": size}, as_json, list)
        return
    if board is not None:
        folder = output or Path(f"{name}-{Path(board).name}")
        with stderr().status(f"exporting for {board}"):
            project = export_firmware(
                [graph],
                load_board(board, optimize),
                folder,
                [prefix],
                arena_max=arena_max,
                push_rows=push_rows,
                cmsis_nn=cmsis_nn,
                mlperf=mlperf,
            )
        sources = project.models[0].sources
        assert sources is not None  # exported from a graph
        _remember(graph, manifest(graph, project.board.target, sources))
        click.echo(f"wrote {project.folder}; build it with: make -C {project.folder}", err=True)
        fields = {"folder": project.folder, "board": board, "prefixes": project.prefixes}
        emit("export", fields, as_json, list)
        return
    chip = load_target(target, optimize)
    folder = output or Path(f"{name}-{chip.name}")
    with stderr().status(f"exporting for {target}"):
        checked = _vectors(graph, vectors) if vectors else None
        result = export_model(
            graph,
            chip,
            folder,
            prefix=prefix,
            vectors=checked,
            arena_max=arena_max,
            push_rows=push_rows,
        )
    _remember(graph, result.manifest)
    click.echo(f"wrote {result.folder}; try it with: make -C {result.folder}", err=True)
    emit("export", _document(result), as_json, lambda: _tables(result))


def _remember(graph: Graph, description: dict[str, Any]) -> None:
    """Let `qembed verify --port` find this export by the hash that the board will report."""
    try:
        exports.keep(graph, description)
    except QembedError as error:
        click.echo(f"not remembered for verify --port: {error}", err=True)


def _vectors(graph: Graph, count: int) -> Vectors:
    """Return the model's first samples, or random ones, and what they give."""
    dataset = open_dataset(graph) if graph.samples else random_dataset(graph, count)
    inputs = next(blocks(dataset, min(count, dataset.count)))
    return Vectors(inputs, HostModel(graph).run(inputs))


def _document(result: ExportResult) -> dict[str, Any]:
    return {"folder": result.folder, "manifest": result.manifest, "sizes": result.sizes}


def _entry(plan: Plan) -> str:
    """Name what runs the model."""
    return "push_row" if plan.stream and plan.stream.schedule.pushed else "invoke"


def _tables(result: ExportResult) -> Sequence[RenderableType]:
    rows = [
        ("folder", f"{result.folder}: {len(result.files)} files"),
        ("C names", f"{result.prefix}_init, {result.prefix}_{_entry(result.plan)}, ..."),
        ("RAM", f"arena {count(result.plan.arena_bytes)} bytes"),
    ]
    if result.sizes:
        flash = result.sizes
        rows.append(
            (
                "flash",
                f"{count(flash.flash)} bytes: code {count(flash.code)}, "
                f"constants {count(flash.constants)}, weights {count(flash.weights)}",
            )
        )
        rows.append(("compiler", flash.compiler))
    return [pairs(rows)]
