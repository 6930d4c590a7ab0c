"""Variables: what CALL_ONCE, VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE become."""

import numpy as np
import pytest

from qembed.backends import reference
from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.importers import import_bytes
from support.tflite_writer import Writer
from support.tflm import Interpreter

QUANTIZATION = (0.5, -3)


def counter(first=None, read_late=False, shape=(1, 4)):
    """A running maximum: y = max(x, variable); variable = y, or the other way round.

    With `read_late` the value read is also used after the assignment.
    """
    writer = Writer()
    x = writer.input((1, 4), "int8", *QUANTIZATION)
    if first is not None:
        start = Writer(writer)
        handle = start.tensor((), "resource")
        start.operator("VAR_HANDLE", [], [handle], sharedName="memory", container="")
        value = start.constant(first, scale=QUANTIZATION[0], zero_point=QUANTIZATION[1])
        start.operator("ASSIGN_VARIABLE", [handle, value], [])
        writer.operator("CALL_ONCE", [], [], initSubgraphIndex=1)
    handle = writer.tensor((), "resource")
    writer.operator("VAR_HANDLE", [], [handle], sharedName="memory", container="")
    old = writer.tensor(shape, "int8", *QUANTIZATION)
    writer.operator("READ_VARIABLE", [handle], [old])
    new = writer.output((1, 4), "int8", *QUANTIZATION)
    writer.operator("MAXIMUM", [x, old], [new])
    writer.operator("ASSIGN_VARIABLE", [handle, new], [])
    if read_late:
        late = writer.output((1, 4), "int8", *QUANTIZATION)
        writer.operator("MINIMUM", [x, old], [late])
    return writer


def steps(count=30):
    return [np.random.default_rng(0).integers(-128, 128, (count, 1, 4)).astype(np.int8)]


@pytest.mark.parametrize("read_late", [False, True])
def test_a_sequence_equals_tflm(read_late):
    raw = counter(np.full((1, 4), -3, np.int8), read_late).bytes()
    graph = import_bytes(raw, "counter")
    for ours, theirs in zip(
        reference.run(graph, steps()), Interpreter(raw).run(steps()), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()


def test_a_value_that_is_needed_later_is_copied():
    nodes = import_bytes(counter(np.full((1, 4), -3, np.int8), True).bytes(), "counter").nodes
    assert [node.op for node in nodes] == ["reshape", "extremum", "reshape", "extremum"]
    nodes = import_bytes(counter(np.full((1, 4), -3, np.int8)).bytes(), "counter").nodes
    assert [node.op for node in nodes] == ["extremum", "reshape"]


def test_state_starts_where_the_initialization_says():
    graph = import_bytes(counter(np.full((1, 4), 5, np.int8)).bytes(), "counter")
    (index,) = graph.state
    assert graph.tensors[index].reset_value == 5 and graph.tensors[index].name == "memory"
    (first,) = reference.run(graph, [np.full((1, 1, 4), -128, np.int8)])
    assert np.all(first == 5)


@pytest.mark.parametrize(
    ("writer", "kind", "message"),
    [
        (counter(), ModelError, "'memory' has no first value"),
        (counter(np.array([[1, 2, 3, 4]], np.int8)), UnsupportedError, "integer that repeats"),
        (counter(np.zeros((1, 4), np.int8), shape=(1, 1)), QembedError, r"shape \(1, 1\)"),
    ],
)
def test_what_cannot_be_state_is_refused(writer, kind, message):
    with pytest.raises(kind, match=message):
        import_bytes(writer.bytes(), "counter")
