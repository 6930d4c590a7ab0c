"""Run a model over a data set on the workers of a cluster: shards of it, counted apart, merged.

The outcome does not depend on the shards, nor on who computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qembed import cluster
from qembed.dataset import Dataset, Piece, Rows, Source, part
from qembed.errors import InputError, QembedError
from qembed.ir import AnyArray, Graph
from qembed.report.evaluation import Block, Evaluation, Form, Saturation, evaluate

SHARD_BYTES = 16 << 20
"""Inputs and outputs of a shard: what a worker holds, apart from a block of activations."""
MOST_SAMPLES = 65_536


@dataclass(frozen=True, slots=True)
class Shard:
    """What a worker is given."""

    dataset: Dataset
    form: Form
    saturation: bool


def evaluate_on(
    where: str,
    graph: Graph,
    dataset: Dataset,
    form: Form = "host",
    saturation: bool = True,
    use: Callable[[Block], None] | None = None,
    shard_samples: int | None = None,
) -> tuple[Evaluation, list[str]]:
    """Do what `evaluate` does, on a cluster.

    Parameters
    ----------
    where : str
        As `qembed.cluster.connect` takes it. All workers must see the files of the data set under
        the same names, and have this version of qembed.
    use : callable, optional
        Called with each shard's outputs, in order; zeros where it failed.
    shard_samples : int, optional
        By default such that a shard is small in memory.

    Returns
    -------
    Evaluation
        Of all shards that did not fail.
    list of str
        Which ones failed, and why.

    Raises
    ------
    QembedError
        If the model has state, the cluster cannot be reached, or every shard failed.
    """
    if graph.state:
        raise InputError(
            "this model has state: its samples are successive steps, which are not shared; run it "
            "without --cluster"
        )
    size = shard_samples or _shard_samples(graph)
    starts = range(0, dataset.count, size)
    sources = tuple(_absolute(source) for source in dataset.sources)
    whole = replace(dataset, graph=replace(graph, samples=None), sources=sources, damaged=())
    shards = (
        Shard(part(whole, start, _end(dataset, start, size)), form, saturation) for start in starts
    )
    evaluations, failures = [], list(dataset.damaged)
    with cluster.connect(where) as client:
        for start, outcome in zip(starts, cluster.map(client, run_shard, shards), strict=True):
            stop = _end(dataset, start, size)
            if outcome.failure is None:
                evaluation, outputs = outcome.value
                evaluations.append(evaluation)
            else:
                failures.append(f"samples {start} to {stop - 1}: {outcome.failure}")
                outputs = _zeros(graph, stop - start)
            if use is not None:
                use(Block(outputs, None))
    if not evaluations:
        raise InputError(failures[0])
    return merge(evaluations), failures


def run_shard(shard: Shard) -> tuple[Evaluation, tuple[AnyArray, ...]]:
    """On a worker: run a shard; return what it came to and its outputs, (b, *shape) each."""
    outputs: list[tuple[AnyArray, ...]] = []
    evaluation = evaluate(
        shard.dataset.graph,
        shard.dataset,
        shard.form,
        saturation=shard.saturation,
        use=lambda block: outputs.append(block.outputs),
    )
    return evaluation, tuple(np.concatenate(column) for column in zip(*outputs, strict=True))


def merge(parts: Sequence[Evaluation]) -> Evaluation:
    """Add up the evaluations of disjoint parts of a data set."""
    first = parts[0]
    samples = sum(e.samples for e in parts)
    correct = None if first.correct is None else sum(e.correct or 0 for e in parts)
    confusions = [e.confusion for e in parts if e.confusion is not None]
    saturation = None
    if first.saturation is not None:
        rows = zip(*(e.saturation or () for e in parts), strict=True)
        saturation = tuple(_merge_saturation(row) for row in rows)
    return Evaluation(
        form=first.form,
        samples=samples,
        correct=correct,
        accuracy=None if correct is None else correct / samples,
        confusion=np.sum(confusions, axis=0) if confusions else None,
        saturation=saturation,
        seconds=sum(e.seconds for e in parts),
    )


def _merge_saturation(rows: Sequence[Saturation]) -> Saturation:
    return replace(
        rows[0],
        at_low=None if rows[0].at_low is None else sum(row.at_low or 0 for row in rows),
        at_high=sum(row.at_high for row in rows),
        total=sum(row.total for row in rows),
    )


def _shard_samples(graph: Graph) -> int:
    sample = sum(graph.tensors[i].nbytes for i in (*graph.inputs, *graph.outputs))
    return max(1, min(MOST_SAMPLES, SHARD_BYTES // sample))


def _end(dataset: Dataset, start: int, size: int) -> int:
    return min(start + size, dataset.count)


def _zeros(graph: Graph, count: int) -> tuple[AnyArray, ...]:
    tensors = [graph.tensors[i] for i in graph.outputs]
    return tuple(np.zeros((count, *t.shape), t.dtype) for t in tensors)


def _absolute(source: Source) -> Source:
    """Name files so that workers find them."""
    if isinstance(source, Rows):
        return replace(source, pieces=tuple(_named_in_full(piece) for piece in source.pieces))
    return _named_in_full(source)


def _named_in_full(piece: Piece) -> Piece:
    if isinstance(piece, np.ndarray):
        return piece
    return replace(piece, path=piece.path.resolve())


def refuse_damaged(failures: Sequence[str]) -> None:
    """Say which shards are missing, when everything else has been written.

    Raises
    ------
    QembedError
        If there are any.
    """
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise QembedError(
            f"a part of the data was not run: {failures[0]}{more}; its outputs are zeros, all "
            "others are complete"
        )
