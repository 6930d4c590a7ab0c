"""The planner on random graphs: the ownership simulation proves every plan it makes."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qembed.errors import UnsupportedError
from qembed.ir import Graph, Node, Tensor
from qembed.plan import Demand, Overlap, Traversal, check, element_wise, plan_memory


def chain(sizes, demands=None, alignment=4):
    """A graph of one tensor after the other, and its plan."""
    tensors = tuple(Tensor(f"t{i}", (n,), "int8") for i, n in enumerate(sizes))
    nodes = tuple(Node(f"n{i}", "op", None, (i,), (i + 1,)) for i in range(len(sizes) - 1))
    graph = Graph("chain", tensors, nodes, (0,), (len(sizes) - 1,))
    plan = plan_memory(graph, demands, alignment)
    check(plan, graph)
    return graph, plan


@st.composite
def graphs(draw):
    """Random graphs: branches, state, constants, several inputs and outputs, dead values."""
    tensors, nodes, available = [], [], []

    def add(**kwargs):
        dtype = draw(st.sampled_from(["int8", "int8", "int16", "int64"]))
        shape = (draw(st.integers(1, 40)),)
        if "data" in kwargs:
            kwargs["data"] = np.zeros(shape, dtype)
        tensors.append(Tensor(f"t{len(tensors)}", shape, dtype, **kwargs))
        available.append(len(tensors) - 1)
        return len(tensors) - 1

    inputs = tuple(add() for _ in range(draw(st.integers(1, 3))))
    states = [add(reset_value=0) for _ in range(draw(st.integers(0, 2)))]
    for _ in range(draw(st.integers(0, 2))):
        add(data=None)
    for n in range(draw(st.integers(1, 8))):
        reads = tuple(draw(st.lists(st.sampled_from(available), min_size=1, max_size=3)))
        writes = [add() for _ in range(draw(st.integers(1, 2)))]
        if states and draw(st.booleans()):
            state = states.pop()
            reads, writes = (*reads, state), [*writes, state]
        nodes.append(Node(f"n{n}", "op", None, reads, tuple(writes)))
    outputs = draw(st.lists(st.sampled_from(available), min_size=1, max_size=3))
    outputs = [i for i in outputs if tensors[i].data is None] or [len(tensors) - 1]
    return Graph("random", tuple(tensors), tuple(nodes), inputs, tuple(outputs))


@st.composite
def demands(draw, graph):
    """Random demands: scratch, aliases and overlaps of any kind."""
    result = []
    for node in graph.nodes:
        distance = st.none() | st.integers(-60, 60)
        overlaps = tuple(
            Overlap(i, o, *sorted_pair(draw(distance), draw(distance)), draw(st.booleans()))
            for i in range(len(node.inputs))
            for o in range(len(node.outputs))
            if draw(st.booleans())
        )
        alias = draw(st.booleans()) and _could_alias(graph, node)
        result.append(Demand((Traversal("t", draw(st.integers(0, 30)), overlaps),), alias))
    return result


def sorted_pair(below, above):
    if below is not None and above is not None and below >= above:
        return above, below + 1
    return below, above


def _could_alias(graph, node):
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    return len(node.outputs) == 1 and (x.shape, x.dtype) == (y.shape, y.dtype)


@given(st.data())
def test_no_value_is_lost(data):
    graph = data.draw(graphs())
    alignment = data.draw(st.sampled_from([4, 16]))
    plan = plan_memory(graph, data.draw(demands(graph)), alignment)
    check(plan, graph)
    assert plan.lower_bound <= plan.arena_bytes
    assert all(at % alignment == 0 for at in (*plan.offsets.values(), *plan.scratch.values()))
    assert set(plan.offsets) >= {t for n in graph.nodes for t in n.outputs}


@given(st.data())
def test_the_check_notices_a_moved_buffer(data):
    """Lay any buffer that is read over another one that is needed at the same time."""
    sizes = data.draw(st.lists(st.integers(8, 64), min_size=3, max_size=8))
    graph, plan = chain(sizes)
    victim = data.draw(st.integers(1, len(sizes) - 1))
    moved = {**plan.offsets, victim: plan.offsets[victim - 1]}
    bad = dataclasses.replace(plan, offsets=moved, arena_bytes=plan.arena_bytes + 64)
    with pytest.raises(ValueError, match="writes output 0 0 bytes from input 0"):
        check(bad, graph)


def test_two_neighbours_decide_a_chain():
    _, plan = chain([490, 8000, 8000, 8000, 64, 12])
    assert (plan.arena_bytes, plan.lower_bound) == (16000, 16000)


def test_in_place_needs_one_buffer():
    ways = [Demand((Traversal(overlaps=element_wise(1)),))] * 3
    _, plan = chain([100, 100, 100, 100], ways)
    assert plan.arena_bytes == 100
    assert len({plan.offsets[i] for i in range(4)}) == 1


def test_declared_distances_are_used_to_the_byte():
    ways = [Demand((Traversal(overlaps=(Overlap(0, 0, below=-24),)),))] * 3
    _, plan = chain([1000, 1000, 1000, 1000], ways)
    assert plan.arena_bytes == 1000 + 3 * 24


def test_scratch_is_apart_and_inside():
    ways = [Demand((Traversal(scratch=40),))] * 2
    _, plan = chain([10, 20, 10], ways)
    assert plan.arena_bytes == 72
    assert set(plan.scratch) == {0, 1}


def test_an_alias_costs_nothing_and_does_not_run():
    demands = [Demand(), Demand(alias=True), Demand()]
    _, plan = chain([10, 64, 64, 8], demands)
    assert plan.aliases == {2: 1}
    assert plan.offsets[2] == plan.offsets[1]
    assert [layer.node for layer in plan.layers] == [0, 2]


def test_an_input_survives_until_its_last_reader_and_outputs_to_the_end():
    tensors = tuple(Tensor(f"t{i}", (100,), "int8") for i in range(4))
    nodes = (
        Node("a", "op", None, (0,), (1,)),
        Node("b", "op", None, (1,), (2,)),
        Node("c", "op", None, (0, 2), (3,)),
    )
    graph = Graph("skip", tensors, nodes, (0,), (1, 3))
    plan = plan_memory(graph)
    check(plan, graph)
    assert plan.arena_bytes == 400  # all four are needed while c runs


def test_state_is_never_shared():
    tensors = (
        Tensor("x", (10,), "int8"),
        Tensor("s", (100,), "int8", reset_value=0),
        Tensor("y", (10,), "int8"),
    )
    graph = Graph("state", tensors, (Node("n", "op", None, (0, 1), (2, 1)),), (0,), (2,))
    plan = plan_memory(graph, [Demand((Traversal(overlaps=element_wise(2)),))])
    check(plan, graph)
    assert plan.arena_bytes == 112


def test_the_same_graph_gives_the_same_plan():
    sizes = [97, 301, 250, 64, 410, 33, 128]
    assert chain(sizes)[1] == chain(sizes)[1]


COSTS = (
    Traversal("fast", scratch=80),
    Traversal("slow", overlaps=(Overlap(0, 0, in_place=True),), cost=5),
)


def test_the_cheapest_traversal_is_taken_unless_it_does_not_fit():
    ways = [Demand(COSTS)] * 3
    graph, plan = chain([100, 100, 100, 100], ways)
    assert plan.arena_bytes == 280
    assert {t.name for t in plan.traversals.values()} == {"fast"}
    plan = plan_memory(graph, ways, arena_max=279)
    check(plan, graph)
    assert plan.arena_bytes <= 279
    assert "slow" in {t.name for t in plan.traversals.values()}


def test_only_nodes_that_have_to_run_slowly_do():
    ways = [Demand(COSTS)] * 3
    graph, _ = chain([100, 20, 20, 100], ways)
    plan = plan_memory(graph, ways, arena_max=160)
    check(plan, graph)
    assert [plan.traversals[n].name for n in range(3)] == ["slow", "fast", "slow"]


def test_too_little_memory_is_refused_with_the_numbers():
    graph, _ = chain([100, 100])
    with pytest.raises(UnsupportedError, match=r"arena of 200 bytes, 50 more than the 150 allowed"):
        plan_memory(graph, arena_max=150)


def test_traversals_are_chosen_by_the_place():
    """Forwards one way, backwards the other: a chain swings between the ends of the arena."""
    ways = [
        Demand(
            (
                Traversal("forward", overlaps=(Overlap(0, 0, below=-20),)),
                Traversal("backward", overlaps=(Overlap(0, 0, above=20),)),
            )
        )
    ] * 6
    _, plan = chain([200] * 7, ways)
    assert plan.arena_bytes == plan.lower_bound == 220
    assert {t.name for t in plan.traversals.values()} == {"forward", "backward"}
