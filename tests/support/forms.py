"""The forms of an operator, and their comparison with the judge on random files.

A test of an operator gives a generator of files; `compare` writes some, asks TFLite Micro what
they compute and holds a form's outputs against it, byte for byte.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.importers import import_bytes
from qembed.ir import Graph
from support import native
from support.tflite_writer import Writer
from support.tflm import Interpreter

Arrays = Sequence[np.ndarray]
Job = tuple[Graph, Arrays]
Make = Callable[[np.random.Generator], tuple[Writer, Arrays]]


def each(run: Callable[[Graph, Arrays], Arrays]) -> Callable[[Sequence[Job]], list[Arrays]]:
    """Return a form that runs one graph at a time."""
    return lambda jobs: [run(graph, inputs) for graph, inputs in jobs]


# From graphs with a batch of inputs each to the outputs of each. All graphs of a test come at
# once, so that a form that has to compile something can do so once.
FORMS: dict[str, Callable[[Sequence[Job]], list[Arrays]]] = {
    "reference": each(reference.run),
    "host": each(lambda graph, inputs: HostModel(graph).run(inputs)),
    "native": each(native.run),
    "native dsp": each(functools.partial(native.run, variant="dsp")),
}


@dataclass(frozen=True)
class Case:
    """A file, a batch of inputs, and what TFLM answers."""

    seed: int
    graph: Graph
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


@functools.lru_cache(maxsize=16)
def cases(make: Make, count: int) -> tuple[Case, ...]:
    """Files number 0 to `count` - 1 of a generator, with the judge's answers."""
    return tuple(_case(make, seed) for seed in range(count))


def _case(make: Make, seed: int) -> Case:
    writer, inputs = make(np.random.default_rng(seed))
    raw = writer.bytes()
    try:
        graph = import_bytes(raw, f"seed {seed}")
        outputs = Interpreter(raw).run(inputs)
    except Exception as error:
        error.add_note(f"{make.__module__}.{make.__name__}, seed {seed}")
        raise
    return Case(seed, graph, tuple(inputs), tuple(outputs))


def compare(form: str, make: Make, count: int = 200) -> None:
    """Hold a form against TFLM on `count` random files."""
    chosen = cases(make, count)
    answers = FORMS[form]([(case.graph, case.inputs) for case in chosen])
    for case, answer in zip(chosen, answers, strict=True):
        for index, (ours, theirs) in enumerate(zip(answer, case.outputs, strict=True)):
            what = f"{form}, {make.__module__}.{make.__name__}, seed {case.seed}, output {index}"
            assert_equal(ours, theirs.reshape(ours.shape), what)


def assert_equal(ours: np.ndarray, theirs: np.ndarray, what: str) -> None:
    """Equality of every byte; the message names the first difference."""
    assert ours.dtype == theirs.dtype, f"{what}: {ours.dtype} instead of {theirs.dtype}"
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} instead of {theirs.shape}"
    if ours.tobytes() == theirs.tobytes():
        return
    different = np.asarray(ours != theirs)
    first = np.unravel_index(int(np.argmax(different)), ours.shape)
    raise AssertionError(
        f"{what}: {int(different.sum())} of {ours.size} differ, first at "
        f"{tuple(map(int, first))}: {ours[first]} instead of {theirs[first]}"
    )
