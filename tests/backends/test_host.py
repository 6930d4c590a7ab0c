import ctypes
import ctypes.util
import platform
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed._host import hash32
from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.backends.host import HostModel
from qembed.errors import InputError
from qembed.ir import Graph, Node, Tensor
from qembed.ops.add import Add
from qembed.ops.quantize import Quantize
from qembed.validate import validate
from support.forms import assert_equal
from support.layers import LAYERS


def layer(op: str, seed: int = 0):
    return LAYERS[op](np.random.default_rng(seed))


def half() -> Requantization:
    return Requantization(np.array([1 << 30], np.int32), np.array([0], np.int32))


def sum_of(*zero_points: int) -> Add:
    """An ADD of two int8 tensors that returns their exact sum, saturated."""
    unit = Requantization(np.array([1 << 30], np.int32), np.array([-18], np.int32))
    return Add(20, half(), half(), unit, *zero_points, (-128, 127))


def counter() -> Graph:
    """state = state + x, saturated; output 1 = 2 * state. State starts at 5."""
    tensors = (
        Tensor("x", (1, 4), "int8"),
        Tensor("state", (1, 4), "int8", reset_value=5),
        Tensor("twice", (1, 4), "int8"),
    )
    nodes = (
        Node("count", "add", sum_of(0, 0, 0), (0, 1), (1,)),
        Node("double", "add", sum_of(0, 0, 0), (1, 1), (2,)),
    )
    return validate(Graph("counter", tensors, nodes, (0,), (1, 2)))


def test_the_hand_made_sum_is_a_sum():
    x = np.array([[[1, 2, -3, 100]], [[1, 1, 1, 100]]], np.int8)
    state, twice = reference.run(counter(), [x])
    assert state.tolist() == [[[6, 7, 2, 105]], [[7, 8, 3, 127]]]
    assert twice.tolist() == [[[12, 14, 4, 127]], [[14, 16, 6, 127]]]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch", [1, 2, 63, 64, 65, 1000])
def test_threads_and_batches_change_nothing(threads, batch):
    graph, inputs = layer("depthwise_conv", 5)
    rng = np.random.default_rng(batch)
    x = rng.integers(-128, 128, (batch, *inputs[0].shape[1:])).astype(inputs[0].dtype)
    model = HostModel(graph)
    whole = model.run([x], threads=threads)[0]
    one_by_one = np.concatenate([model.run([x[i : i + 1]])[0] for i in range(batch)])
    assert_equal(whole, one_by_one, "batch")


def test_a_foreign_rounding_mode_changes_nothing():
    graph, inputs = layer("conv", 12)
    model = HostModel(graph)
    want = model.run(inputs)[0]
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    before = libm.fegetround()
    upward = {"x86_64": 0x800, "aarch64": 0x400000}[platform.machine()]
    assert libm.fesetround(upward) == 0
    try:
        ours = model.run(inputs)[0]
        assert libm.fegetround() == upward
    finally:
        libm.fesetround(before)
    assert_equal(ours, want, "rounding")


def test_one_model_serves_many_python_threads():
    graph, inputs = layer("conv", 3)
    model = HostModel(graph)
    want = model.run(inputs)[0]
    results: list[bool] = []

    def work() -> None:
        results.extend(model.run(inputs)[0].tobytes() == want.tobytes() for _ in range(50))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 200


def test_threads_work_after_a_fork():
    """Sleeping helpers do not survive a fork; the child makes its own."""
    script = """
import os, signal, sys
import numpy as np
import qembed
model = qembed.load(qembed.api.example())
x = np.random.default_rng(0).integers(-128, 128, (4000, 1, 8, 8, 1)).astype(np.int8)
want = model.run(x).tobytes()
assert model.run(x, threads=4).tobytes() == want
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(model.run(x, threads=4).tobytes() != want)
assert os.waitpid(child, 0)[1] == 0
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    assert subprocess.run(command, timeout=60).returncode == 0


def test_state_steps_through_the_batch_and_is_reset():
    graph, model = counter(), HostModel(counter())
    x = np.random.default_rng(0).integers(-9, 9, (10, 1, 4)).astype(np.int8)
    want = reference.run(graph, [x])
    for _ in range(2):  # each run starts from the reset value
        for ours, definition in zip(model.run([x], threads=4), want, strict=True):
            assert_equal(ours, definition, "state")
    for index, values in reference.trace(graph, [x]).items():
        assert_equal(model.trace([x])[index], values, f"tensor {index}")


def test_state_is_kept_on_request():
    model, x = HostModel(counter()), np.ones((6, 1, 4), np.int8)
    whole = model.run([x])
    model.reset()
    parts = [model.run([x[i : i + 2]], keep_state=True) for i in (0, 2, 4)]
    for number, array in enumerate(whole):
        assert_equal(np.concatenate([p[number] for p in parts]), array, "parts")
    assert model.run([x[:1]], keep_state=True)[0].tolist() == [[[12] * 4]]


def test_outputs_may_be_inputs_constants_or_repeated():
    constant = np.arange(4, dtype=np.int8)
    tensors = (
        Tensor("x", (4,), "int8"),
        Tensor("c", (4,), "int8", data=constant),
        Tensor("y", (4,), "int8"),
    )
    nodes = (Node("add", "add", sum_of(0, 0, 0), (0, 1), (2,)),)
    graph = validate(Graph("odd", tensors, nodes, (0,), (2, 0, 1, 2)))
    x = np.ones((70, 4), np.int8)
    ours = HostModel(graph).run(x)
    assert len({a.ctypes.data for a in ours}) == 4
    assert ours[1].ctypes.data != x.ctypes.data
    for mine, want in zip(ours, (x + constant, x, x * 0 + constant, x + constant), strict=True):
        assert_equal(mine, want, "output")


def test_a_graph_without_nodes_returns_its_input():
    graph = validate(Graph("wire", (Tensor("x", (2,), "int8"),), (), (0,), (0,)))
    x = np.array([[1, 2], [3, 4]], np.int8)
    assert_equal(HostModel(graph).run(x)[0], x, "wire")
    assert_equal(HostModel(graph).trace(x)[0], x, "wire")


def test_arena_is_shared_only_by_tensors_of_disjoint_lives():
    """A diamond whose first value is needed until the end."""
    shape = (1, 100)
    tensors = tuple(Tensor(f"t{i}", shape, "int8") for i in range(6))
    add = sum_of(0, 0, 0)
    nodes = (
        Node("a", "add", add, (0, 0), (1,)),
        Node("b", "add", add, (1, 0), (2,)),
        Node("c", "add", add, (2, 0), (3,)),
        Node("d", "add", add, (3, 1), (4,)),
        Node("e", "add", add, (4, 2), (5,)),
    )
    graph = validate(Graph("diamond", tensors, nodes, (0,), (5,)))
    x = np.random.default_rng(1).integers(-20, 20, (200, *shape)).astype(np.int8)
    assert_equal(HostModel(graph).run(x)[0], reference.run(graph, [x])[0], "diamond")


def test_trace_has_the_tensors_of_the_reference():
    graph, inputs = layer("add", 2)
    ours, theirs = HostModel(graph).trace(inputs), reference.trace(graph, inputs)
    assert ours.keys() == theirs.keys()
    for index, values in theirs.items():
        assert_equal(ours[index], values, f"tensor {index}")


def test_a_profile_has_the_time_of_every_node():
    model, x = HostModel(counter()), np.ones((300, 1, 4), np.int8)
    seconds = model.profile(x)
    assert len(seconds) == 2
    assert all(0 < s < 1 for s in seconds)


def test_inputs_of_any_layout_are_accepted():
    graph, inputs = layer("average_pool", 7)
    model, x = HostModel(graph), np.concatenate([inputs[0]] * 4)
    want = model.run(x)[0]
    fortran = np.asfortranarray(x)
    swapped = x.astype(x.dtype.newbyteorder(">"))
    for other in (fortran, swapped, np.repeat(x, 2, axis=0)[::2], x[::-1][::-1]):
        assert_equal(model.run([other])[0], want, "layout")
    x.flags.writeable = False
    assert_equal(model.run(x)[0], want, "read-only")


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (np.zeros((2, 1, 4), np.int16), "input 'x' is int16"),
        (np.zeros((2, 1, 5), np.int8), r"must be int8\[B, 1, 4\]"),
        (np.zeros((2, 4), np.int8), r"must be int8\[B, 1, 4\]"),
        (np.zeros((0, 1, 4), np.int8), "at least one sample"),
        ([[1, 2, 3, 4]], "is a list"),
        ([], "has 1 inputs, 0 were given"),
        ([np.zeros((2, 1, 4), np.int8)] * 2, "has 1 inputs, 2 were given"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, words):
    model = HostModel(counter())
    for run in (model.run, model.trace, model.profile):
        with pytest.raises(InputError, match=words):
            run(inputs)


def test_batches_of_different_lengths_are_refused():
    graph = validate(
        Graph(
            "two",
            (Tensor("a", (2,), "int8"), Tensor("b", (2,), "int8"), Tensor("y", (2,), "int8")),
            (Node("add", "add", sum_of(0, 0, 0), (0, 1), (2,)),),
            (0, 1),
            (2,),
        )
    )
    with pytest.raises(InputError, match="3 and 2 samples"):
        HostModel(graph).run([np.zeros((3, 2), np.int8), np.zeros((2, 2), np.int8)])


def test_nan_is_refused():
    tensors = (Tensor("x", (2,), "float32"), Tensor("y", (2,), "int8"))
    nodes = (Node("q", "quantize", Quantize("int8", 0, scale=1.0), (0,), (1,)),)
    graph = validate(Graph("q", tensors, nodes, (0,), (1,)))
    x = np.array([[1, np.nan]], np.float32)
    with pytest.raises(InputError, match="NaN"):
        HostModel(graph).run(x)


def test_no_threads_are_refused():
    with pytest.raises(InputError, match="threads"):
        HostModel(counter()).run(np.zeros((1, 1, 4), np.int8), threads=0)


def plain_hash(data: bytes) -> int:
    h = len(data)
    data += b"\0" * (-len(data) % 4)
    for at in range(0, len(data), 4):
        word = int.from_bytes(data[at : at + 4], "little")
        h = ((h >> 13 | h << 19 & 0xFFFFFFFF) ^ word) * 0x9E3779B1 % (1 << 32)
    return h


@given(st.lists(st.binary(min_size=9, max_size=9), min_size=1, max_size=4), st.integers(0, 9))
def test_hash_follows_its_definition(rows, size):
    batch = np.array([list(row[:size]) for row in rows], np.uint8).reshape(len(rows), size)
    assert hash32(batch).tolist() == [plain_hash(row.tobytes()) for row in batch]


def test_hash_is_of_little_endian_bytes_in_c_order():
    x = np.arange(12, dtype=">i2").reshape(2, 3, 2)
    want = [plain_hash(row.astype("<i2").tobytes()) for row in x]
    assert hash32(x).tolist() == want
    assert hash32(np.asfortranarray(x)).tolist() == want
    assert hash32(np.zeros((0, 4), np.int8)).tolist() == []
