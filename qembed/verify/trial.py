"""What is sent to a board: real samples, random ones, and ones that reach every corner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from qembed.backends.host import HostModel
from qembed.dataset import Dataset, blocks, head, open_dataset, random_dataset
from qembed.ir import AnyArray, Graph
from qembed.verify.vectors import Coverage, adversarial

Kind = Literal["real", "random", "corner", "all"]
RANDOM_SAMPLES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Samples for a board.

    Attributes
    ----------
    inputs : tuple of ndarray
        One per graph input, (B, *tensor.shape).
    origin : str
        Where they come from.
    coverage : tuple of Coverage
        Which arithmetic corners they reach; empty if that was not looked at.
    """

    inputs: tuple[AnyArray, ...]
    origin: str
    coverage: tuple[Coverage, ...] = ()


def choose(
    graph: Graph, kind: Kind = "real", inputs: Path | None = None, samples: int | None = None
) -> Trial:
    """Return what to run.

    Parameters
    ----------
    graph : Graph
    kind : Kind
        "real": `inputs`, or the model's own samples, or where there are none random ones.
    inputs : Path, optional
        As for `qembed.dataset.open_dataset`.
    samples : int, optional
        At most so many real ones; so many random ones.

    Raises
    ------
    InputError
        If the file does not fit.
    """
    parts = []
    if kind in ("corner", "all"):  # first: with state they are a sequence from its reset on
        parts.append(_corners(graph))
    if kind in ("real", "all"):
        parts.append(_whole(_real(graph, inputs, samples)))
    if kind in ("random", "all"):
        parts.append(_whole(random_dataset(graph, samples or RANDOM_SAMPLES, seed=1)))
    return Trial(
        inputs=tuple(
            np.concatenate(arrays) for arrays in zip(*(p.inputs for p in parts), strict=True)
        ),
        origin=" and ".join(part.origin for part in parts),
        coverage=parts[0].coverage,
    )


def repeated(trial: Trial, times: int) -> Trial:
    """Return a trial that runs all samples so often."""
    if times == 1:
        return trial
    inputs = tuple(np.concatenate([array] * times) for array in trial.inputs)
    return replace(trial, inputs=inputs, origin=f"{trial.origin}, {times} times")


def _real(graph: Graph, inputs: Path | None, samples: int | None) -> Dataset:
    if inputs is None and graph.samples is None:
        return random_dataset(graph, samples or RANDOM_SAMPLES)
    data = open_dataset(graph, inputs)
    return data if samples is None else head(data, samples)


def _whole(data: Dataset) -> Trial:
    return Trial(next(blocks(data, data.count)), data.origin)


def _corners(graph: Graph) -> Trial:
    found = adversarial(graph, HostModel(graph).trace)
    return Trial(found.inputs, "vectors that reach corners", found.coverage)
