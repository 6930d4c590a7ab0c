"""Results as tables for people. Names in models are foreign text: shown, never obeyed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qembed.plan import picture
from qembed.plan.picture import Region
from qembed.report.evaluation import Evaluation, Saturation
from qembed.report.model import LayerSummary, ModelSummary, TensorSummary

MAX_CONFUSION = 20
"""Classes up to which the whole matrix is printed."""
NAME = 28
"""Characters of a layer's name."""
SATURATED = 0.01
"""Share of values at an end of the range from which a layer is marked."""


def safe(text: str) -> str:
    """Return text without control characters."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def layer_name(name: str) -> Text:
    """Shorten the name of a layer: converters join the names of everything that they fused."""
    first = safe(name).split(";")[0]
    shown = first if len(first) <= NAME else "…" + first[1 - NAME :]
    return Text(shown, no_wrap=True, overflow="ellipsis")


def sizes(shape: Sequence[int]) -> str:
    """Write a shape as 8x8x16: the leading 1 of a single sample goes without saying."""
    shown = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
    return "x".join(map(str, shown)) or "scalar"


def count(number: int) -> str:
    """Write 1234567 as 1,234,567."""
    return f"{number:,}"


def table(*columns: str, title: str = "") -> Table:
    """Make an empty table; columns that start with ">" are numbers."""
    made = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        right = column.startswith(">")
        # Where the terminal is narrow, names of layers and prose give way; numbers never do.
        made.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            no_wrap=column not in ("layer", "description"),
            min_width=10 if column == "layer" else None,
        )
    return made


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Lay out names and values without lines."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, safe(value))
    return grid


def model_tables(model: ModelSummary) -> list[RenderableType]:
    """Show a model: what it is, its layers, its sums."""
    head = [
        ("model", f"{model.name}   {model.hash[:16]}   numerics {model.profile}"),
        *(("input", _signature(t)) for t in model.inputs),
        *(("output", _signature(t)) for t in model.outputs),
        *(("state", _signature(t)) for t in model.state),
    ]
    if model.classes:
        head.append(("classes", ", ".join(model.classes)))
    if model.samples:
        labelled = f", {count(model.labels)} with labels" if model.labels else ""
        head.append(("samples", f"{count(model.samples)}{labelled}"))
    if model.source:
        head.append(("source", ", ".join(f"{k} {v}" for k, v in model.source.items())))
    layers = table(
        ">#", "layer", "operator", "output", ">scale", ">zero", ">MACs", ">weights", ">spare"
    )
    for layer in model.layers:
        layers.add_row(*_layer_row(layer))
    sums = [
        ("work", f"{count(model.macs)} multiply-accumulates a sample"),
        (
            "weights",
            f"{count(model.weight_count)}, {count(model.constant_bytes)} bytes of constants",
        ),
        ("activations", _arena(model)),
    ]
    return [pairs(head), layers, pairs(sums)]


def _layer_row(layer: LayerSummary) -> tuple[RenderableType, ...]:
    output = layer.output
    return (
        str(layer.index),
        layer_name(layer.name),
        layer.op,
        f"{output.dtype} {sizes(output.shape)}",
        "" if output.scale is None else f"{output.scale:.4g}",
        "" if output.zero_point is None else str(output.zero_point),
        count(layer.macs) if layer.macs else "",
        count(layer.weight_count) if layer.weight_count else "",
        "" if layer.headroom_bits is None else f"{layer.headroom_bits}b",
    )


def _arena(model: ModelSummary) -> str:
    if model.arena_bytes is None or model.arena_lower_bound is None:
        return f"{model.target} lacks a kernel for this model"
    return (
        f"arena {count(model.arena_bytes)} bytes on {model.target}; lower bound "
        f"{count(model.arena_lower_bound)}"
    )


def memory_tables(model: ModelSummary) -> list[RenderableType]:
    """Draw the arena, and say what each letter stands for."""
    if model.arena_bytes is None:
        return [_arena(model)]
    legend = table("", "buffer", ">bytes", ">offset", "steps")
    for letter, label, parts in _buffers(model.memory):
        first, last = min(p.first for p in parts), max(p.last for p in parts)
        rows = f"{len(parts)} x " if len(parts) > 1 else ""
        legend.add_row(
            letter,
            layer_name(label),
            f"{rows}{count(parts[0].size)}",
            count(min(p.offset for p in parts)),
            f"{first} to {last}" if first < last else str(first),
        )
    drawn = Text(picture.draw(model.memory, model.arena_bytes))
    key = Text(
        f"time to the right; {picture.FREE} free, "
        f"{picture.SHARED} an output over an input that is still read"
    )
    return [drawn, key, legend]


def _buffers(found: Sequence[Region]) -> Iterator[tuple[str, str, list[Region]]]:
    """Regions by label: the rows of a tensor, each step's use of a node's scratch."""
    of: dict[str, list[Region]] = {}
    for region in found:
        of.setdefault(region.label, []).append(region)
    chosen = dict(zip((r.label for r in found), picture.letters(found), strict=True))
    yield from ((chosen[label], label, parts) for label, parts in of.items())


def _signature(tensor: TensorSummary) -> str:
    real = ""
    if tensor.scale is not None and tensor.zero_point is not None:
        sign, offset = "-+"[tensor.zero_point < 0], abs(tensor.zero_point)
        steps = f"(q {sign} {offset})" if offset else "q"
        real = f"   {tensor.scale:.6g} * {steps}"
    return f"{tensor.name}   {tensor.dtype} {sizes(tensor.shape)}{real}"


def evaluation_tables(run: Evaluation, classes: Sequence[str], origin: str) -> list[RenderableType]:
    """Show how a model did: verdict, confusion, saturation."""
    rate = run.samples / run.seconds if run.seconds > 0 else 0.0
    parts: list[RenderableType] = []
    if run.confusion is not None and 1 < len(run.confusion) <= MAX_CONFUSION:
        parts.append(_confusion_table(run, classes))
    if run.saturation:
        parts.append(_saturation_table(run.saturation))
    line = Text(
        f"{count(run.samples)} samples ({safe(origin)}), {run.form} form, {rate:,.0f} a second"
    )
    parts.append(line)
    if run.accuracy is not None:
        parts.append(
            Text(f"accuracy {run.accuracy:.2%}  ({run.correct} of {run.samples} correct)", "bold")
        )
    return parts


def _confusion_table(run: Evaluation, classes: Sequence[str]) -> Table:
    assert run.confusion is not None
    size = len(run.confusion)
    names = [safe(c)[:10] for c in classes] if len(classes) == size else list(map(str, range(size)))
    made = table("label", *(f">{name}" for name in names), ">recall", title="decisions")
    for name, row, i in zip(names, run.confusion, range(size), strict=True):
        total = int(row.sum())
        cells = [
            Text(str(n) if n else "·", "bold" if j == i else "red" if n else "dim")
            for j, n in enumerate(row)
        ]
        made.add_row(name, *cells, f"{row[i] / total:.1%}" if total else "")
    return made


def _saturation_table(rows: Sequence[Saturation]) -> Table:
    made = table(
        "layer",
        "operator",
        ">range",
        ">at low",
        ">at high",
        title="values at the ends of their range",
    )
    for row in rows:
        made.add_row(
            layer_name(row.name),
            row.op,
            f"{row.low} .. {row.high}",
            _share(row.at_low, row.total),
            _share(row.at_high, row.total),
        )
    return made


def _share(part: int | None, total: int) -> Text:
    if part is None:
        return Text("zero", "dim")
    share = part / total if total else 0.0
    return Text(f"{share:.3%}" if part else "0", "yellow" if share >= SATURATED else "")
