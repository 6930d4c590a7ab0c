"""qembed mlperf."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from qembed.backends.host import HostModel
from qembed.boards import load_board
from qembed.cli import Exit
from qembed.cli._common import (
    FILE,
    emit,
    json_option,
    load_model,
    model_argument,
    progress,
    stderr,
)
from qembed.dataset import blocks, open_dataset
from qembed.device import mlperf
from qembed.device.build import build_firmware
from qembed.device.emulator import boot
from qembed.device.transport import Port, open_port
from qembed.errors import DeviceError
from qembed.export.firmware import export_firmware
from qembed.export.mlperf import Benchmark, benchmark_of
from qembed.ir import AnyArray, Graph
from qembed.report.terminal import count, pairs

MODES = ("accuracy", "performance")


@click.command("mlperf")
@model_argument
@click.option("--port", help="Serial port, or any URL of pyserial.")
@click.option("--board", help="Export, build and boot this board; see qembed boards.")
@click.option("-i", "--inputs", type=FILE, help="Inputs, as for simulate; labels likewise.")
@click.option("--labels", type=FILE, help="Class index of each input, .npy.")
@click.option("--mode", type=click.Choice([*MODES, "both"]), default="both", help="What to run.")
@click.option("--baud", type=click.IntRange(300), default=115200, help="Bits per second.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.01),
    default=mlperf.WINDOW_SECONDS,
    help="Length of each of the five performance measurements; the rules ask for 10.",
)
@json_option
def command(
    model: Path | None,
    port: str | None,
    board: str | None,
    inputs: Path | None,
    labels: Path | None,
    mode: str,
    baud: int,
    seconds: float,
    as_json: bool,
) -> int:
    """Run MLPerf Tiny's accuracy and performance modes over its own serial protocol.

    Unlike the official runner, this one notices a board that resets in the middle, and holds the
    printed results against the desk's. A firmware that answers is made by --board here, or by
    export --board BOARD --mlperf. Exit status 1: results differ from the desk's.
    """
    if (port is None) == (board is None):
        raise click.UsageError("say where to run: either --port PORT or --board BOARD")
    graph = load_model(model)
    benchmark = benchmark_of(graph)
    dataset = open_dataset(graph, inputs, labels)
    (x,) = next(blocks(dataset, dataset.count))
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(_line(graph, port, board, baud))
        runner = mlperf.Runner(line)
        if runner.profile.model != benchmark.model_id:
            raise DeviceError(
                f"the device runs {runner.profile.model}, the model is {benchmark.model_id}"
            )
        samples = [_as_sent(graph, benchmark, sample) for sample in x]
        found = _accuracy(runner, graph, benchmark, x, samples, dataset.labels, mode)
        speed = None
        if mode != "accuracy":
            with stderr().status("measuring"):
                speed = mlperf.performance(runner, samples[0], seconds)
    result = {"profile": runner.profile, "accuracy": found, "performance": speed}
    emit("mlperf", result, as_json, lambda: [pairs(_rows(runner.profile, found, speed))])
    wrong = found is not None and found.as_on_desk not in (None, found.samples)
    return Exit.DIFFERENT if wrong else Exit.DONE


@contextlib.contextmanager
def _line(graph: Graph, url: str | None, board: str | None, baud: int) -> Iterator[Port]:
    with contextlib.ExitStack() as stack:
        if board is not None:
            with stderr().status(f"building for {board}"):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qembed-")))
                project = export_firmware([graph], load_board(board), folder, mlperf=True)
                url = stack.enter_context(boot(build_firmware(project))).port_url
        assert url is not None
        yield stack.enter_context(contextlib.closing(open_port(url, baud)))


def _as_sent(graph: Graph, benchmark: Benchmark, sample: AnyArray) -> bytes:
    """Bytes of a quantized input as the data sets of the benchmark hold it."""
    if benchmark.kind == "QE_MLPERF_UNSIGNED":
        return (sample.view(np.uint8) ^ np.uint8(0x80)).tobytes()
    if benchmark.kind == "QE_MLPERF_AUTOENCODER":
        return _real(graph, graph.inputs[0], sample[np.newaxis]).astype("<f4").tobytes()
    return sample.tobytes()


def _accuracy(
    runner: mlperf.Runner,
    graph: Graph,
    benchmark: Benchmark,
    x: AnyArray,
    samples: list[bytes],
    labels: AnyArray | None,
    mode: str,
) -> mlperf.Accuracy | None:
    if mode == "performance":
        return None
    classifies = benchmark.kind != "QE_MLPERF_AUTOENCODER"
    with progress("accuracy", len(samples)) as advance:
        return mlperf.accuracy(
            runner,
            samples,
            labels.tolist() if labels is not None and classifies else None,
            _printed(graph, benchmark, x),
            advance,
        )


def _printed(graph: Graph, benchmark: Benchmark, x: AnyArray) -> list[list[float]]:
    """Return the desk's results as a device prints them: in float32, with three decimals."""
    (y,) = HostModel(graph).run([x])
    real = _real(graph, graph.outputs[0], y)
    if benchmark.kind == "QE_MLPERF_AUTOENCODER":
        squares = (real - _real(graph, graph.inputs[0], x)) ** 2
        sums = np.add.accumulate(squares, axis=1, dtype=np.float32)[:, -1:]  # in the device's order
        real = (sums / np.float32(real.shape[1])).astype(np.float32)
    thousandths = np.floor(np.abs(real) * np.float32(1000) + np.float32(0.5)).astype(np.int64)
    signed = np.where(real < 0, -thousandths, thousandths)
    return [[float(f"{value / 1000:.3f}") for value in row] for row in signed.tolist()]


def _real(graph: Graph, index: int, values: AnyArray) -> NDArray[np.float32]:
    """Dequantize a batch in float32, a row a sample."""
    quantization = graph.tensors[index].quantization
    assert quantization is not None  # benchmark_of checks it
    steps = values.reshape(len(values), -1).astype(np.float32)
    return (steps - np.float32(quantization.zero_point)) * np.float32(quantization.scale)


def _rows(
    profile: mlperf.Profile, found: mlperf.Accuracy | None, speed: mlperf.Performance | None
) -> list[tuple[str, str]]:
    rows = [("device", profile.name), ("benchmark", profile.model)]
    if found is not None:
        if found.correct is not None:
            share = 100 * found.correct / found.samples
            rows.append(("accuracy", f"{found.correct} of {found.samples}, {share:.1f} %"))
        if found.as_on_desk is not None:
            rows.append(("as on the desk", f"{found.as_on_desk} of {found.samples} in every digit"))
    if speed is not None:
        rows.append(("inferences a second", f"{speed.median:,.2f} (median of five)"))
        rows.append(("in each measurement", count(speed.inferences)))
    return rows
