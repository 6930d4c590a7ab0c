"""Row streaming: order, lives and places of rows; a plan that is broken on purpose is noticed."""

from dataclasses import replace

import pytest

from qembed.ir import Graph, Node, Tensor
from qembed.plan.row_check import check_stream
from qembed.plan.rows import INPUT, RowDemand, schedule
from qembed.plan.streaming import options, place_stream

WINDOW = RowDemand(taps=3, padding=1, scratch=8)
SUM = RowDemand(folds=True, kept=16)


def tower(rows: int = 12, width: int = 4, layers: int = 3) -> tuple[Graph, dict[int, RowDemand]]:
    """Windows of three rows, the last one added to the first, then a mean."""
    shape = (1, rows, width, 4)
    tensors = [Tensor(f"t{i}", shape, "int8") for i in range(layers + 2)]
    tensors.append(Tensor("mean", (1, 1, 1, 4), "int8"))
    nodes = [Node(f"n{i}", "conv", None, (i,), (i + 1,)) for i in range(layers)]
    nodes.append(Node("join", "add", None, (1, layers), (layers + 1,)))
    nodes.append(Node("mean", "mean", None, (layers + 1,), (layers + 2,)))
    graph = Graph("tower", tuple(tensors), tuple(nodes), (0,), (layers + 2,))
    demands = dict.fromkeys(range(layers), WINDOW)
    return graph, demands | {layers: RowDemand(), layers + 1: SUM}


def stream_of(pushed: bool = False):
    graph, demands = tower()
    planned = schedule(graph, demands, [(0, len(graph.nodes))], pushed)
    return graph, place_stream(graph, demands, planned, {}, {}, 4)


def test_a_row_is_made_when_it_is_asked_for():
    graph, demands = tower(rows=4, layers=1)
    steps = schedule(graph, demands, [(0, 3)], pushed=True).steps
    order = [(step.node, step.index) for step in steps]
    first = [(INPUT, 0), (INPUT, 1), (0, 0), (1, 0), (2, 0), (INPUT, 2), (0, 1), (1, 1), (2, 1)]
    assert order[: len(first)] == first
    assert len(order) == len(set(order)) == 4 * 4  # each row of everything once


def test_groups_run_one_after_the_other():
    graph, demands = tower()
    steps = schedule(graph, demands, [(0, 2), (2, 5)]).steps
    nodes = [step.node for step in steps]
    assert max(i for i, n in enumerate(nodes) if n < 2) < min(
        i for i, n in enumerate(nodes) if n >= 2
    )


@pytest.mark.parametrize("pushed", [False, True])
def test_rows_need_far_less_than_whole_tensors(pushed):
    graph, stream = stream_of(pushed)
    check_stream(stream, graph)
    whole = graph.tensors[0].nbytes
    assert stream.lower_bound <= stream.arena_bytes < (1.5 if pushed else 2) * whole


def test_the_smallest_groups_are_found():
    graph, demands = tower()
    found = options(graph, demands, [0] * 6, pushed=False)
    assert [option.stop for option in found] == [1, 2, 3, 4, 5]
    assert all(option.groups[-1][1] == option.stop for option in found)
    assert found[-1].size < found[1].size  # the mean ends it: no tensor is whole any more


def moved(stream, tensor, row, by):
    """The same stream with one row of a tensor elsewhere."""
    places = stream.places[tensor]
    table = list(places.table)
    table[row] += by
    return replace(stream, places={**stream.places, tensor: replace(places, table=tuple(table))})


def test_broken_plans_are_noticed():
    graph, stream = stream_of()
    broken = 0
    for tensor in (1, 2, 3, 4):
        for row in range(12):
            for by in (-4, 4, 8):
                wrong = moved(stream, tensor, row, by)
                if not 0 <= wrong.places[tensor].at(row) <= stream.arena_bytes - 16:
                    continue
                try:
                    check_stream(wrong, graph)
                except ValueError as error:
                    broken += "overwritten" in str(error)
    assert broken > 100
    order = list(stream.schedule.steps)
    order[0], order[-2] = order[-2], order[0]
    early = replace(stream, schedule=replace(stream.schedule, steps=tuple(order)))
    with pytest.raises(ValueError, match=r"too soon|overwritten"):
        check_stream(early, graph)
    with pytest.raises(ValueError, match=r"keeps is overwritten|overwritten before"):
        check_stream(replace(stream, kept={4: stream.scratch[0]}), graph)
    with pytest.raises(ValueError, match="overwritten"):
        check_stream(replace(stream, counters=stream.places[2].at(0)), graph)
