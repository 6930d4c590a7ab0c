"""What quantizing a network did, as tables for people and as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import RenderableType

from qembed.floats import FLOAT_OPERATORS
from qembed.quantize import Quantized
from qembed.quantize.agreement import Agreement
from qembed.quantize.mixed import BYTES_PER_CHANNEL
from qembed.report.terminal import count, layer_name, pairs, table


@dataclass(frozen=True, slots=True)
class LayerOutcome:
    """One node of the float graph.

    Attributes
    ----------
    name, op : str
    weight_bits : int, optional
    dtype : str
        Of its output.
    scale : float
    zero_point : int
    range_method : str
        How the range of its output was found.
    sqnr : float, optional
        Signal to noise of its output, all layers before it quantized too, in dB.
    """

    name: str
    op: str
    weight_bits: int | None
    dtype: str
    scale: float
    zero_point: int
    range_method: str
    sqnr: float | None


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """A recipe that was tried: calibrated on one half of the data, judged in dB on the other."""

    equalize: float
    compensate: bool
    sqnr: float


@dataclass(frozen=True, slots=True)
class Quantization:
    """The outcome without the graphs.

    Attributes
    ----------
    method : str
    samples : int
        Calibration samples used.
    equalize, compensate
        Of the recipe that was chosen.
    sqnr : float
        On the calibration data, in dB; of what goes into a final softmax.
    changed : int
        Samples of it whose largest output is another one than in float.
    float_bytes, bytes : int
        Of weights, biases and multipliers, before and after.
    layers : tuple of LayerOutcome
    trials : tuple of TrialOutcome
    """

    method: str
    samples: int
    equalize: float
    compensate: bool
    sqnr: float
    changed: int
    float_bytes: int
    bytes: int
    layers: tuple[LayerOutcome, ...]
    trials: tuple[TrialOutcome, ...]


def summarize_quantization(result: Quantized, agreement: Agreement, method: str) -> Quantization:
    """Return what there is to tell."""
    tensors, decisions = result.real.tensors, result.decisions
    layers, before, after = [], 0, 0
    for node in result.real.nodes:
        y = node.outputs[0]
        encoding = decisions.encodings[y]
        made = decisions.layers.get(node.name)
        if FLOAT_OPERATORS[node.op].weights is not None and made is not None:
            before += 4 * (made.weights.size + made.bias.size)
            after += -(-made.weights.size * made.bits // 8) + BYTES_PER_CHANNEL * made.bias.size
        layers.append(
            LayerOutcome(
                name=node.name,
                op=node.op,
                weight_bits=made.bits if made else None,
                dtype=encoding.dtype,
                scale=encoding.quantization.scale,
                zero_point=encoding.quantization.zero_point,
                range_method=decisions.methods[y],
                sqnr=agreement.tensors.get(tensors[y].name),
            )
        )
    recipe = result.recipe
    trials = [TrialOutcome(t.recipe.equalize, t.recipe.compensate, t.sqnr) for t in result.trials]
    return Quantization(
        method,
        result.samples,
        recipe.equalize,
        recipe.compensate,
        agreement.sqnr,
        agreement.changed,
        before,
        after,
        tuple(layers),
        tuple(trials),
    )


def quantization_tables(outcome: Quantization) -> list[RenderableType]:
    """Show what was decided for each layer, what it costs and what it saves."""
    layers = table("layer", "operator", ">bits", "output", ">scale", ">zero", "range", ">dB")
    for layer in outcome.layers:
        layers.add_row(
            layer_name(layer.name),
            layer.op,
            "" if layer.weight_bits is None else str(layer.weight_bits),
            layer.dtype,
            f"{layer.scale:.4g}",
            str(layer.zero_point),
            layer.range_method,
            "" if layer.sqnr is None else f"{layer.sqnr:.1f}",
        )
    share = outcome.bytes / outcome.float_bytes - 1 if outcome.float_bytes else 0.0
    rows = [
        ("calibration", f"{count(outcome.samples)} samples"),
        ("chosen", _recipe(outcome.equalize, outcome.compensate)),
        *(
            ("tried", f"{_recipe(t.equalize, t.compensate)}: {t.sqnr:.1f} dB on held-out samples")
            for t in outcome.trials
        ),
        (
            "constants",
            f"{count(outcome.float_bytes)} -> {count(outcome.bytes)} bytes ({100 * share:+.0f} %)",
        ),
        (
            "agreement",
            f"{outcome.sqnr:.1f} dB; another output is the largest in {count(outcome.changed)} of "
            f"{count(outcome.samples)} calibration samples",
        ),
    ]
    return [layers, pairs(rows)]


def _recipe(equalize: float, compensate: bool) -> str:
    repaired = ", input errors compensated" if compensate else ""
    return f"channels equalized by {equalize:g}{repaired}"
