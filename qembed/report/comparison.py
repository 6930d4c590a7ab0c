"""What each technique makes of one network: size, accuracy, agreement, time, as a table.

One half of the data calibrates, the other measures. docs/quantize.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType

from qembed.backends.host import HostModel
from qembed.boards import Board
from qembed.device.bench import bench
from qembed.errors import InputError, QembedError
from qembed.floats import executor
from qembed.ir import AnyArray, Graph
from qembed.quantize import METHODS, Quantized, Settings, mixed, quantize
from qembed.quantize.agreement import Agreement, compare, quantized_inputs
from qembed.report.terminal import count, table

FEWEST_SAMPLES = 4
CONFIDENCE = 1.96
"""Standard deviations of an interval that holds the truth in 95 of 100 cases."""
TIMED_SECONDS = 0.3

COMPARED = tuple(name for name in METHODS if name != "mixed")  # which needs a limit
DATA = {"float32": "none", **dict.fromkeys(COMPARED, "inputs, no labels")}
HARDWARE = {
    "float32": "CPU with FPU",
    "int8": "any CPU, DSP, NPU",
    "int16x8": "any CPU, DSP, some NPU",
    "int4": "any CPU",
}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of samples decided as their label says, and its 95 % confidence interval (Wilson)."""

    right: int
    samples: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Technique:
    """One row. What could not be had is None, and `failure` says why where all of it could not.

    Attributes
    ----------
    name, data, hardware : str
        What it is called, what it needs, where it runs.
    bytes : int
        Of weights and what goes with them.
    reduction : float, optional
        Share of the float network's bytes that is gone; None if it has no weights.
    accuracy : Accuracy, optional
        If there are labels.
    sqnr : float, optional
        Against the float network, in dB.
    changed, samples : int
        Samples whose largest output is another one than in float; of how many.
    host_microseconds : float
        Of one inference on this machine, in one thread.
    instructions, arena_bytes, flash_bytes : int, optional
        On the board, if one was chosen.
    failure : str, optional
    """

    name: str
    data: str
    hardware: str
    bytes: int | None = None
    reduction: float | None = None
    accuracy: Accuracy | None = None
    sqnr: float | None = None
    changed: int | None = None
    samples: int | None = None
    host_microseconds: float | None = None
    instructions: int | None = None
    arena_bytes: int | None = None
    flash_bytes: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A float network, the half of the data that measures, and what the network says of it."""

    graph: Graph
    calibration: tuple[AnyArray, ...]
    inputs: tuple[AnyArray, ...]
    labels: NDArray[np.int64] | None


def split(graph: Graph, inputs: Sequence[AnyArray], labels: NDArray[np.int64] | None) -> Subject:
    """Give every second sample to calibration and the others to measurement.

    Raises
    ------
    InputError
        There are too few samples, or labels that the network has no output for.
    """
    count_ = len(inputs[0])
    if count_ < FEWEST_SAMPLES:
        raise InputError(f"there are {count_} samples; a comparison needs {FEWEST_SAMPLES} or more")
    classes = math.prod(graph.tensors[graph.outputs[0]].shape)
    if labels is not None and not bool(np.all((labels >= 0) & (labels < classes))):
        raise InputError(
            f"labels go from {labels.min()} to {labels.max()} but the network has {classes} outputs"
        )
    halves = [tuple(x[start::2] for x in inputs) for start in (0, 1)]
    return Subject(graph, halves[0], halves[1], None if labels is None else labels[1::2])


def compared(
    subject: Subject,
    methods: Sequence[str],
    seed: int,
    board: Board | None,
    begun: Callable[[str], None] = lambda name: None,
) -> list[Technique]:
    """Measure the float network and what each method makes of it.

    A method that has no form for one of the layers is a row that says so.
    """
    begun("float32")
    rows = [_in_float(subject)]
    for method in methods:
        begun(method)
        try:
            rows.append(_quantized(subject, method, seed, board))
        except InputError:
            raise
        except QembedError as error:
            rows.append(Technique(method, DATA[method], HARDWARE[method], failure=str(error)))
    return rows


def _in_float(subject: Subject) -> Technique:
    graph, inputs = subject.graph, subject.inputs
    (y, *_) = executor.run(graph, inputs)
    size = _float_bytes(graph)
    seconds = _seconds(lambda: executor.run(graph, [x[:1] for x in inputs]))
    return Technique(
        "float32",
        DATA["float32"],
        HARDWARE["float32"],
        bytes=size,
        reduction=0.0,
        accuracy=_accuracy(y, subject.labels),
        changed=0,
        samples=len(y),
        host_microseconds=1e6 * seconds,
    )


def _quantized(subject: Subject, method: str, seed: int, board: Board | None) -> Technique:
    made = quantize(subject.graph, subject.calibration, Settings(method, seed=seed))
    agreement: Agreement = compare(made.real, made.graph, subject.inputs)
    host = HostModel(made.graph)
    steps = quantized_inputs(made.graph, subject.inputs)
    (y, *_) = host.run(steps)
    one = [x[:1] for x in steps]
    cost = None if board is None else bench(made.graph, board)
    size, before = constant_bytes(made), _float_bytes(subject.graph)
    return Technique(
        method,
        DATA[method],
        HARDWARE[method],
        bytes=size,
        reduction=1 - size / before if before else None,
        accuracy=_accuracy(y, subject.labels),
        sqnr=agreement.sqnr,
        changed=agreement.changed,
        samples=agreement.samples,
        host_microseconds=1e6 * _seconds(lambda: host.run(one)),
        instructions=cost.instructions if cost else None,
        arena_bytes=cost.arena_bytes if cost else None,
        flash_bytes=cost.flash_bytes if cost else None,
    )


def constant_bytes(made: Quantized) -> int:
    """Bytes of the weights of a quantized network, its biases and multipliers."""
    sizes = {bits: mixed.sizes(made.real, bits) for bits in (4, 8)}
    return sum(sizes[layer.bits][name] for name, layer in made.decisions.layers.items())


def _float_bytes(graph: Graph) -> int:
    layers = [node.params for node in graph.nodes if hasattr(node.params, "weights")]
    return sum(4 * (params.weights.size + params.bias.size) for params in layers)


def _seconds(once: Callable[[], object]) -> float:
    """Median time of a call, over about `TIMED_SECONDS`."""
    times: list[float] = []
    end = time.perf_counter() + TIMED_SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _accuracy(y: AnyArray, labels: NDArray[np.int64] | None) -> Accuracy | None:
    if labels is None:
        return None
    right = int(np.sum(y.reshape(len(y), -1).argmax(1) == labels))
    return Accuracy(right, len(labels), *wilson(right, len(labels)))


def wilson(right: int, samples: int) -> tuple[float, float]:
    """Confidence interval of a share."""
    share, z = right / samples, CONFIDENCE**2 / samples
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return middle - half, middle + half


def comparison_tables(rows: Sequence[Technique]) -> list[RenderableType]:
    """Show the techniques side by side."""
    on_board = any(row.instructions is not None for row in rows)
    scored = any(row.accuracy is not None for row in rows)
    made = table(
        "technique",
        "data",
        ">bytes",
        ">size",
        *((">accuracy", ">95 % interval") if scored else ()),
        ">dB",
        ">changed",
        ">host us",
        *((">instructions", ">arena", ">flash") if on_board else ()),
        "hardware",
    )
    for row in rows:
        made.add_row(*_cells(row, scored, on_board))
    failures = [f"{row.name}: {row.failure}" for row in rows if row.failure]
    return [made, *failures]


def _cells(row: Technique, scored: bool, on_board: bool) -> list[str]:
    def shown(number: int | float | None, form: str) -> str:
        return "-" if number is None else format(number, form)

    accuracy = row.accuracy
    score = ["-", "-"]
    if accuracy is not None:
        interval = f"{accuracy.low:.1%} - {accuracy.high:.1%}"
        score = [f"{accuracy.right / accuracy.samples:.2%}", interval]
    changed = "-" if row.changed is None else f"{count(row.changed)} of {count(row.samples or 0)}"
    reduction = None if row.reduction is None else -row.reduction
    return [
        row.name,
        row.data,
        shown(row.bytes, ","),
        shown(reduction, "+.0%") if reduction else "-",
        *(score if scored else ()),
        shown(row.sqnr, ".1f"),
        changed,
        shown(row.host_microseconds, ",.0f"),
        *(
            (shown(n, ",") for n in (row.instructions, row.arena_bytes, row.flash_bytes))
            if on_board
            else ()
        ),
        row.hardware,
    ]
