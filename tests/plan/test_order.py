"""The order of the nodes, where branches leave a choice."""

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st

from qembed.ir import Graph, Node, Tensor
from qembed.plan import check, plan_memory
from qembed.plan.order import predecessors, smallest_order


def branches(*widths):
    """One input, a branch of a wide and a narrow tensor for each width, a node that joins them."""
    tensors = [Tensor("x", (8,), "int8")]
    nodes = []
    for i, width in enumerate(widths):
        tensors += [Tensor(f"wide{i}", (width,), "int8"), Tensor(f"narrow{i}", (4,), "int8")]
        nodes.append(Node(f"widen{i}", "op", None, (0,), (2 * i + 1,)))
    for i in range(len(widths)):
        nodes.append(Node(f"shrink{i}", "op", None, (2 * i + 1,), (2 * i + 2,)))
    tensors.append(Tensor("y", (4,), "int8"))
    joined = tuple(2 * i + 2 for i in range(len(widths)))
    nodes.append(Node("join", "op", None, joined, (len(tensors) - 1,)))
    return Graph("branches", tuple(tensors), tuple(nodes), (0,), (len(tensors) - 1,))


def test_one_branch_after_the_other():
    graph = branches(1000, 1000, 1000)
    plan = plan_memory(graph)
    check(plan, graph)
    assert plan.order == (0, 3, 1, 4, 2, 5, 6)
    assert plan.arena_bytes == plan.lower_bound == 8 + 1000 + 3 * 4 - 4
    assert [layer.node for layer in plan.layers] == list(plan.order)


def test_a_chain_keeps_its_order():
    graph = branches(100)
    assert plan_memory(graph).order == (0, 1, 2)


def peak(graph, order):
    """Most bytes alive at any node: by definition."""
    position = {n: p for p, n in enumerate(order)}
    made = {t: position[n] for n, node in enumerate(graph.nodes) for t in node.outputs}
    made |= dict.fromkeys(graph.inputs, -1)
    read = {t: made[t] for t in made}
    for n, node in enumerate(graph.nodes):
        for t in node.inputs:
            read[t] = max(read[t], position[n])
    read |= dict.fromkeys(graph.outputs, len(order))
    return max(
        sum(graph.tensors[t].nbytes for t in made if made[t] <= p <= read[t])
        for p in range(len(order))
    )


@st.composite
def small_graphs(draw):
    tensors, nodes = [Tensor("x", (draw(st.integers(1, 50)),), "int8")], []
    for n in range(draw(st.integers(1, 6))):
        reads = draw(st.lists(st.integers(0, len(tensors) - 1), min_size=1, max_size=2))
        tensors.append(Tensor(f"t{n}", (draw(st.integers(1, 50)),), "int8"))
        nodes.append(Node(f"n{n}", "op", None, tuple(reads), (len(tensors) - 1,)))
    outputs = draw(st.lists(st.integers(0, len(tensors) - 1), min_size=1, max_size=2))
    return Graph("small", tuple(tensors), tuple(nodes), (0,), tuple(outputs))


@given(small_graphs())
def test_no_other_order_has_a_smaller_peak(graph):
    before = predecessors(graph)

    def valid(order):
        return all(not before[n] & ~sum(1 << m for m in order[:p]) for p, n in enumerate(order))

    best = min(
        peak(graph, order)
        for order in itertools.permutations(range(len(graph.nodes)))
        if valid(order)
    )
    found = smallest_order(graph, lambda n, dying: 0)
    assert valid(found)
    assert peak(graph, found) == best


def test_state_is_read_before_its_update():
    """The reader of the old state is larger: without its place in the order it would come last."""
    tensors = (
        Tensor("x", (4,), "int8"),
        Tensor("s", (4,), "int8", reset_value=0),
        Tensor("old", (400,), "int8"),
        Tensor("new", (400,), "int8"),
    )
    nodes = (
        Node("read", "op", None, (1,), (2,)),
        Node("update", "op", None, (0, 1), (1,)),
        Node("read again", "op", None, (1,), (3,)),
    )
    graph = Graph("state", tensors, nodes, (0,), (2, 3))
    assert predecessors(graph) == [0, 1, 2]
    plan = plan_memory(graph)
    check(plan, graph)
    assert plan.order == (0, 1, 2)
    swapped = dataclasses.replace(plan, order=(1, 0, 2))
    try:
        check(swapped, graph)
    except ValueError as error:
        assert "'s' is updated out of order" in str(error)
    else:
        raise AssertionError("an update out of order was not noticed")
