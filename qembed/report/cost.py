"""What an inference costs on a board, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from qembed.device.bench import Cost
from qembed.report.terminal import count, layer_name, pairs, table


def cost_tables(
    cost: Cost, different: Sequence[int] | None = None, more: Sequence[tuple[str, str]] = ()
) -> list[RenderableType]:
    """Show what an inference costs, layer by layer.

    Parameters
    ----------
    cost : Cost
    different : sequence of int, optional
        By layer, in how many samples a verification found other bytes.
    more : sequence of (str, str)
        What else is known of the board.
    """
    unit = "cycles" if cost.cycles is not None else "instructions"
    total = cost.cycles or cost.instructions or 0
    verified = (">different",) if different is not None else ()
    counted = (f">{unit}", ">per MAC", ">share") if total else ()
    made = table("layer", "operator", "kernel", ">MACs", *counted, *verified)
    for number, row in enumerate(cost.layers):
        spent = (row.cycles if row.cycles is not None else row.instructions) or 0
        each = f"{spent / row.macs:.2f}" if row.macs else ""
        made.add_row(
            layer_name(row.name),
            row.op,
            row.variant,
            count(row.macs) if row.macs else "",
            *((count(spent), each, f"{spent / total:.1%}") if total else ()),
            *((_wrong(different[number]),) if different is not None else ()),
        )
    each = f", {total / cost.macs:.2f} a multiply-accumulate" if cost.macs else ""
    estimate = []
    if cost.estimated_cycles is not None:
        estimate.append(
            ("estimated", f"{count(cost.estimated_cycles)} cycles, by the core's manual")
        )
    stack = "" if cost.stack_bytes is None else f" + stack at most {count(cost.stack_bytes)}"
    sums = [
        ("board", f"{cost.board}, code for {cost.target}"),
        ("one inference", f"{count(total)} {unit}{each}" if total else "this board cannot count"),
        *estimate,
        ("flash", f"{count(cost.flash_bytes)} bytes, {count(cost.code_bytes)} without the weights"),
        ("RAM", f"arena {count(cost.arena_bytes)} bytes{stack}"),
        *more,
    ]
    return [made, pairs(sums)]


def _wrong(samples: int) -> Text:
    return Text(count(samples), "bold red" if samples else "green")
