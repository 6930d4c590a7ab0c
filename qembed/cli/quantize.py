"""qembed quantize."""

from __future__ import annotations

from pathlib import Path

import click

from qembed import container
from qembed.cli._common import FILE, calibration_data, emit, json_option, progress
from qembed.files import replacing
from qembed.importers import import_float_model
from qembed.numerics import PROFILES
from qembed.quantize import METHODS, Settings, quantize
from qembed.quantize.agreement import compare
from qembed.quantize.ranges import METHODS as RANGES
from qembed.report.quantization import quantization_tables, summarize_quantization
from qembed.tflite import writer


@click.command("quantize")
@click.argument("model", type=FILE)
@click.option(
    "-d", "--data", type=FILE, required=True, help="Inputs to calibrate with: .npy, .npz, a folder."
)
@click.option("-o", "--output", type=FILE, help="Model file to write; MODEL with .npz by default.")
@click.option("--tflite", type=FILE, help="Also write the network as this .tflite file.")
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="int8",
    help="int16x8: activations in 16 bits; int4: weights in 4 where they bear it; mixed: in 8 "
    "where they need it most, within --weights-max.",
)
@click.option(
    "--weights-max",
    type=click.IntRange(1),
    metavar="BYTES",
    help="With mixed: what weights, biases and multipliers may take.",
)
@click.option(
    "--range",
    "range_method",
    type=click.Choice(list(RANGES)),
    show_default="the best for each tensor",
    help="How the ranges of activations are found.",
)
@click.option(
    "--equalize",
    type=click.FloatRange(0, 1),
    show_default="what measures best",
    help="How far the channels of a tensor are made to reach equally far.",
)
@click.option("--power-of-two", is_flag=True, help="Scales are powers of two; costs some dB.")
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="tflm",
    help="Whose arithmetic to follow, byte for byte.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the order of the samples.")
@json_option
def command(
    model: Path,
    data: Path,
    output: Path | None,
    tflite: Path | None,
    method: str,
    weights_max: int | None,
    range_method: str | None,
    equalize: float | None,
    power_of_two: bool,
    profile: str,
    seed: int,
    as_json: bool,
) -> None:
    """Make integers of a float network, with a sample of its inputs.

    MODEL is a float .tflite or .onnx file. Inputs are real numbers as the network takes them, shape
    [B, H, W, C]; a hundred or more, no labels. In an .npz the array is called as the model's input,
    or "inputs" or "x". The same data, options and seed give the same bytes.
    """
    if (method == "mixed") != (weights_max is not None):
        raise click.UsageError("--method mixed and --weights-max go together")
    graph = import_float_model(model)
    inputs, _ = calibration_data(graph, data)
    settings = Settings(method, weights_max, range_method, equalize, power_of_two, profile, seed)
    with progress("quantizing", 100) as advance:
        shown = 0

        def report(done: int, total: int) -> None:
            nonlocal shown
            now = 100 * done // total
            advance(now - shown)
            shown = now

        result = quantize(graph, inputs, settings, report)
    agreement = compare(result.real, result.graph, inputs)
    output = output or Path(model.with_suffix(".npz").name)
    container.save(result.graph, output)
    click.echo(f"wrote {output}", err=True)
    if tflite is not None:
        with replacing(tflite) as file:
            file.write(writer.write(result.file))
        click.echo(f"wrote {tflite}", err=True)
    outcome = summarize_quantization(result, agreement, method)
    document = {"output": output, "quantization": outcome}
    emit("quantize", document, as_json, lambda: quantization_tables(outcome))
