"""Speed of the host form, layer by layer, beside desktop interpreters in the same run.

Every round times each contender for a few milliseconds, one after the other, so that all meet the
same weather. What counts is the calling thread's own processor time; of two threads, the time that
passes. Reported are medians, and of ratios the median over the rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import RenderableType
from rich.table import Table

from qembed._host._simd import chosen, peak
from qembed.backends.host import HostModel
from qembed.backends.peers import BATCHES_OF, PEERS, Call, prepare
from qembed.dataset import blocks, random_dataset
from qembed.errors import InputError, ToolError
from qembed.ir import AnyArray, Graph, Node
from qembed.ops import OPERATORS

BATCHES = (1, 16, 64, 256)
SECONDS = 0.006
"""Of one measurement."""
PEAK_REPEATS = 2_500
PEAK = "peak"
OURS = "qembed"
TWO = "two threads"


@dataclass(frozen=True, slots=True)
class Contender:
    """How fast an interpreter is with a batch.

    Attributes
    ----------
    microseconds : float
        A sample, median.
    gmacs : float
        10**9 multiply-accumulates a second.
    """

    name: str
    batch: int
    microseconds: float
    gmacs: float


@dataclass(frozen=True, slots=True)
class LayerSpeed:
    """A layer, in batches of 16."""

    name: str
    op: str
    shape: tuple[int, ...]
    microseconds: float
    gmacs: float | None
    share: float | None  # of the peak


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster than a peer: one sample at a time, and each at its best."""

    peer: str
    one_sample: float
    best: float


@dataclass(frozen=True, slots=True)
class HostBench:
    """Everything that was measured.

    Attributes
    ----------
    isa : str
        Instruction set of the kernels.
    macs : int
        Multiply-accumulates of a sample.
    peak : float, optional
        10**9 a second that a core can do with this instruction set, measured; None: portable.
    share : float, optional
        Of the peak, the whole network in its best batch.
    two_threads : float
        Times as fast as one, batch 256.
    skipped : mapping
        Peers that were not run, and why.
    """

    isa: str
    macs: int
    peak: float | None
    share: float | None
    two_threads: float
    contenders: tuple[Contender, ...]
    ratios: tuple[Ratio, ...]
    layers: tuple[LayerSpeed, ...]
    skipped: Mapping[str, str]


def macs_of(graph: Graph, node: Node) -> int:
    """Multiply-accumulates of a node; 0 where it has none."""
    macs = OPERATORS[node.op].macs
    tensors = [graph.tensors[i] for i in (*node.inputs, *node.outputs)]
    return macs(node.params, *tensors) if macs else 0


def bench_host(graph: Graph, raw: bytes | None = None, rounds: int = 15) -> HostBench:
    """Measure the host form and whatever else can run this network.

    Parameters
    ----------
    graph : Graph
    raw : bytes, optional
        The .tflite file it was imported from, for the interpreters that read such files.
    rounds : int
        Measurements of each contender.

    Raises
    ------
    InputError
        If the model has state: then its samples make no batch.
    """
    if graph.state:
        raise InputError("bench --host is for models without state: steps make no batch")
    macs = sum(macs_of(graph, node) for node in graph.nodes)
    calls, skipped = _contenders(graph, raw)
    own, passing = _measure(calls, rounds)
    medians = {key: statistics.median(times) for key, times in own.items()}
    rate = _peak_rate(own)
    ours = {batch: medians[OURS, batch] for batch in BATCHES}
    best = min(ours, key=ours.__getitem__)
    share = macs / (min(own[OURS, best]) * 1e9) / rate if rate else None
    return HostBench(
        isa=chosen(),
        macs=macs,
        peak=rate,
        share=share,
        two_threads=statistics.median(
            one / two for one, two in zip(passing[OURS, 256], passing[TWO, 256], strict=True)
        ),
        contenders=tuple(
            Contender(name, batch, seconds * 1e6, macs / seconds / 1e9)
            for (name, batch), seconds in medians.items()
            if name not in (PEAK, TWO)
        ),
        ratios=tuple(_ratio(peer, best, medians, own) for peer in PEERS if (peer, 1) in medians),
        layers=_layers(graph, rounds, rate),
        skipped=skipped,
    )


Key = tuple[str, int]
"""Name of a contender, and its batch."""


def _contenders(graph: Graph, raw: bytes | None) -> tuple[dict[Key, Call], dict[str, str]]:
    calls: dict[Key, Call] = {(PEAK, 1): lambda: peak(PEAK_REPEATS)}
    skipped: dict[str, str] = {}
    batches = {count: next(blocks(random_dataset(graph, count), count)) for count in BATCHES}
    for count, inputs in batches.items():
        calls[OURS, count] = _host(graph, inputs, 1)
    calls[TWO, 256] = _host(graph, batches[256], 2)
    for peer in PEERS:
        for count in BATCHES_OF.get(peer, BATCHES):
            try:
                calls[peer, count] = prepare(peer, raw, graph, batches[count][0])
            except ToolError as error:
                skipped[peer if count == 1 else f"{peer}, batch {count}"] = str(error)
                break
    return calls, skipped


def _host(graph: Graph, inputs: tuple[AnyArray, ...], threads: int) -> Call:
    model = HostModel(graph)
    return lambda: model.run(inputs, threads)


def _measure(
    calls: Mapping[Key, Call], rounds: int
) -> tuple[dict[Key, list[float]], dict[Key, list[float]]]:
    """Seconds a sample of each contender in each round: its thread's own, and those that passed."""
    repeats = {key: _repeats(call) for key, call in calls.items()}
    own: dict[Key, list[float]] = {key: [] for key in calls}
    passing: dict[Key, list[float]] = {key: [] for key in calls}
    for _ in range(rounds):
        for key, call in calls.items():
            call()  # whose turn it was has filled the caches with its own
            starts = time.thread_time(), time.perf_counter()
            for _ in range(repeats[key]):
                call()
            samples = repeats[key] * key[1]
            own[key].append((time.thread_time() - starts[0]) / samples)
            passing[key].append((time.perf_counter() - starts[1]) / samples)
    return own, passing


def _repeats(call: Callable[[], object]) -> int:
    start = time.thread_time()
    call()
    return max(1, int(SECONDS / max(time.thread_time() - start, 1e-6)))


def _peak_rate(own: Mapping[Key, Sequence[float]]) -> float | None:
    """10**9 products a second; of a load that others share, the least time is the machine's own."""
    products = peak(PEAK_REPEATS)
    return products / min(own[PEAK, 1]) / 1e9 if products else None


def _ratio(
    peer: str, best: int, medians: Mapping[Key, float], own: Mapping[Key, Sequence[float]]
) -> Ratio:
    theirs = [key for key in medians if key[0] == peer]
    fastest = min(theirs, key=medians.__getitem__)

    def median(their: Key, our: Key) -> float:
        return statistics.median(a / b for a, b in zip(own[their], own[our], strict=True))

    return Ratio(peer, median((peer, 1), (OURS, 1)), median(fastest, (OURS, best)))


def _layers(graph: Graph, rounds: int, rate: float | None) -> tuple[LayerSpeed, ...]:
    model, inputs = HostModel(graph), next(blocks(random_dataset(graph, 16), 16))
    profiles = np.array([model.profile(inputs) for _ in range(20 * rounds)])
    rows = []
    for node, seconds in zip(graph.nodes, np.median(profiles, axis=0) / 16, strict=True):
        macs, shape = macs_of(graph, node), graph.tensors[node.outputs[0]].shape
        gmacs = macs / seconds / 1e9 if macs else None
        share = gmacs / rate if gmacs and rate else None
        rows.append(LayerSpeed(node.name, node.op, shape, seconds * 1e6, gmacs, share))
    return tuple(rows)


def host_tables(bench: HostBench) -> Sequence[RenderableType]:
    """For people."""
    top = "" if bench.peak is None else f", peak of a core {bench.peak:.0f} GMAC/s"
    parts: list[RenderableType] = [
        f"host form, {bench.isa}{top}; {bench.macs:,} multiply-accumulates a sample",
        "",
        _layer_table(bench),
        "",
        _contender_table(bench),
        "",
    ]
    if bench.share is not None:
        parts.append(f"share of the peak: {bench.share:.0%}")
    parts.append(f"two threads, batch 256: {bench.two_threads:.2f} x one")
    for ratio in bench.ratios:
        parts.append(
            f"{ratio.one_sample:.2f} x {ratio.peer} one sample at a time, {ratio.best:.2f} x with "
            "the best batch of each"
        )
    parts += [f"not run: {name}: {why}" for name, why in bench.skipped.items()]
    return parts


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _layer_table(bench: HostBench) -> Table:
    table = _table("layer", "output", "us", "GMAC/s", "share")
    for row in bench.layers:
        gmacs = "" if row.gmacs is None else f"{row.gmacs:.1f}"
        share = "" if row.share is None else f"{row.share:.0%}"
        shape = "x".join(map(str, row.shape))
        table.add_row(row.op, shape, f"{row.microseconds:.2f}", gmacs, share)
    return table


def _contender_table(bench: HostBench) -> Table:
    table = _table("one thread", "batch", "us a sample", "GMAC/s")
    for row in bench.contenders:
        table.add_row(row.name, str(row.batch), f"{row.microseconds:.2f}", f"{row.gmacs:.1f}")
    return table
