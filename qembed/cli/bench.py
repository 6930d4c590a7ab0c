"""qembed bench."""

from __future__ import annotations

from pathlib import Path

import click

from qembed.boards import load_board
from qembed.cli import Exit
from qembed.cli._common import (
    BOARD,
    baseline_options,
    cmsis_nn_option,
    emit,
    json_option,
    load_model,
    memory_options,
    model_argument,
    optimize_option,
    simplify_option,
    stderr,
)
from qembed.device.bench import bench
from qembed.report.baseline import regression_tables, regressions
from qembed.report.cost import cost_tables
from qembed.report.document import document
from qembed.report.host_bench import bench_host, host_tables


@click.command("bench")
@model_argument
@click.option("--board", default=BOARD, help="Where to run; see qembed boards.")
@memory_options
@simplify_option
@optimize_option
@click.option(
    "--host",
    is_flag=True,
    help="Measure the desk instead: layers, and LiteRT, tflite-micro and ONNX Runtime beside.",
)
@cmsis_nn_option
@baseline_options
@json_option
def command(
    model: Path | None,
    board: str,
    simplify: bool,
    arena_max: int | None,
    push_rows: bool,
    optimize: str | None,
    host: bool,
    cmsis_nn: Path | None,
    baseline: Path | None,
    tolerance: float,
    as_json: bool,
) -> int:
    """Measure one inference on a board: instructions or cycles per layer, flash, RAM, stack.

    Export, build, boot and count. The layer hashes and the link are left out of the counts, and out
    of the sizes. With --host: time on this machine, also of other interpreters in the same run.
    They need MODEL to be a .tflite file, and are left out by name where they are not installed.
    """
    if host:
        return _bench_host(model, as_json)
    graph, chosen = load_model(model, simplify), load_board(board, optimize)
    with stderr().status(f"building and running on {chosen.name}"):
        cost = bench(graph, chosen, cmsis_nn=cmsis_nn, arena_max=arena_max, push_rows=push_rows)
    result = document("bench", cost)
    if baseline is None:
        emit("bench", result, as_json, lambda: cost_tables(cost))
        return Exit.DONE
    grown = regressions(result, baseline, tolerance / 100)
    emit(
        "bench",
        {**result, "regressions": grown},
        as_json,
        lambda: cost_tables(cost) + regression_tables(grown, tolerance / 100),
    )
    return Exit.DIFFERENT if grown else Exit.DONE


def _bench_host(model: Path | None, as_json: bool) -> int:
    graph = load_model(model)
    raw = model.read_bytes() if model is not None and model.suffix == ".tflite" else None
    with stderr().status("measuring"):
        result = bench_host(graph, raw)
    emit("bench", result, as_json, lambda: host_tables(result))
    return Exit.DONE
