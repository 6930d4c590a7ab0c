"""Exact simplification of other widths than int8, and of chains of tables."""

import numpy as np
import pytest

from qembed.arithmetic import Requantization
from qembed.backends import reference
from qembed.ir import Graph, Node, Tensor
from qembed.ops.lookup import Lookup
from qembed.ops.quantize import Quantize
from qembed.optimize import Removal, optimize
from qembed.validate import validate
from support.variants import four_bits, sixteen_bits
from test_optimize import crippled, differences

COUNT = 60


@pytest.mark.parametrize("variant", [four_bits, sixteen_bits])
def test_no_output_byte_differs(variant):
    reasons: dict[str, int] = {}
    for seed in range(COUNT):
        graph = variant(crippled(seed))
        result = optimize(graph)
        assert differences(graph, result.graph) == 0, seed
        for removal in result.removed:
            reasons[removal.reason] = reasons.get(removal.reason, 0) + 1
    assert reasons["constant"] > COUNT // 2, reasons
    assert reasons["unread"] > COUNT // 6, reasons


def by(shift: int) -> Requantization:
    return Requantization(np.array([3 << 29], np.int32), np.array([shift], np.int32))


def chain(*params, dtypes=("int8", "int8", "int8")) -> Graph:
    """Functions of one value, one behind the other."""
    tensors = tuple(Tensor(f"t{i}", (1, 300), dtype) for i, dtype in enumerate(dtypes))
    nodes = tuple(
        Node(f"n{i}", "lookup" if isinstance(p, Lookup) else "quantize", p, (i,), (i + 1,))
        for i, p in enumerate(params)
    )
    return validate(Graph("chain", tensors, nodes, (0,), (len(params),)))


TABLE = Lookup(np.random.default_rng(1).integers(-128, 128, 256).astype(np.int8))
SMALLER = Quantize("int8", 7, requantization=by(-1), input_zero_point=-3)
WIDER = Quantize("int16", 0, requantization=by(6), input_zero_point=5)
NARROWER = Quantize("int8", -9, requantization=by(-7), input_zero_point=0)
BYTES = ("int8", "int8", "int8")


@pytest.mark.parametrize(
    ("pair", "dtypes"),
    [
        ((SMALLER, SMALLER), BYTES),
        ((SMALLER, TABLE), BYTES),
        ((TABLE, SMALLER), BYTES),
        ((TABLE, TABLE), BYTES),
        ((WIDER, NARROWER), ("int8", "int16", "int8")),
    ],
)
def test_two_functions_of_one_value_become_a_table(pair, dtypes):
    graph = chain(*pair, dtypes=dtypes)
    result = optimize(graph)
    assert [node.op for node in result.graph.nodes] == ["lookup"]
    assert result.removed == (Removal("n0", "fused"),)
    every = [np.resize(np.arange(-128, 128), (1, 1, 300)).astype(np.int8)]
    (want,), (got,) = reference.run(graph, every), reference.run(result.graph, every)
    np.testing.assert_array_equal(want, got)


def test_a_chain_becomes_one_table():
    graph = chain(SMALLER, TABLE, SMALLER, TABLE, dtypes=("int8",) * 5)
    assert [node.op for node in optimize(graph).graph.nodes] == ["lookup"]


def test_what_lies_between_is_kept_for_others():
    graph = chain(SMALLER, TABLE)
    both = validate(Graph("both", graph.tensors, graph.nodes, (0,), (1, 2)))
    assert optimize(both).removed == ()
    wide = chain(
        WIDER, Quantize("int16", 0, requantization=by(-2)), dtypes=("int8", *["int16"] * 2)
    )
    assert optimize(wide).removed == ()
