"""What each layer costs in accuracy, as a table for people: the worst first in its last lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from qembed.quantize.analysis import LayerAnalysis
from qembed.report.terminal import layer_name, pairs, table

WORST = 5


def analysis_tables(layers: Sequence[LayerAnalysis]) -> list[RenderableType]:
    """Show every layer, then what to do about the worst."""
    made = table(
        "layer",
        "operator",
        ">bits",
        ">dB",
        ">weights",
        ">output",
        ">clipped",
        ">low",
        ">high",
        ">channels",
    )
    for layer in layers:
        made.add_row(
            layer_name(layer.name),
            layer.op,
            "" if layer.weight_bits is None else str(layer.weight_bits),
            "" if layer.sqnr is None else f"{layer.sqnr:.1f}",
            f"{layer.weight_noise:.1%}" if layer.weight_bits else "",
            f"{layer.output_noise:.1%}",
            f"{layer.saturated:.2%}",
            f"{layer.low:.3g}",
            f"{layer.high:.3g}",
            f"{layer.channel_ratio:.0f}x",
        )
    worst = sorted(layers, key=lambda x: -max(x.weight_noise, x.output_noise))[:WORST]
    advice = [(layer_name(x.name).plain, x.remedy) for x in worst if x.remedy]
    return [made, pairs(advice or [("advice", "no layer stands out")])]
