from qembed.ir import Graph, Node, Tensor
from qembed.plan import Demand, Overlap, Traversal, picture, plan_memory


def chain(*sizes, demands=None):
    tensors = tuple(Tensor(f"t{i}", (n,), "int8") for i, n in enumerate(sizes))
    nodes = tuple(Node(f"n{i}", "op", None, (i,), (i + 1,)) for i in range(len(sizes) - 1))
    graph = Graph("chain", tensors, nodes, (0,), (len(sizes) - 1,))
    return graph, plan_memory(graph, demands)


def test_regions_cover_the_whole_plan():
    demands = [Demand((Traversal(scratch=8),)), Demand(alias=True), Demand()]
    graph, plan = chain(16, 32, 32, 4, demands=demands)
    found = picture.regions(plan, graph)
    assert picture.steps(plan, graph) == ("n0", "n2")
    assert {r.label: (r.first, r.last, r.size) for r in found} == {
        "t0": (0, 0, 16),
        "scratch of n0": (0, 0, 8),
        "t1": (0, 1, 32),
        "t3": (1, 1, 4),
    }
    assert max(r.offset + r.size for r in found) == plan.arena_bytes


def test_the_drawing_is_to_scale():
    found = [picture.Region("x", 0, 0, 0, 8), picture.Region("y", 0, 1, 8, 8)]
    assert picture.draw(found, 16, width=8, height=4).splitlines() == [
        "       16 │bbbbbbbb",
        "          │bbbbbbbb",
        "          │aaaa····",
        "        0 │aaaa····",
    ]


def test_an_overlap_is_shown():
    graph, plan = chain(64, 64, demands=[Demand((Traversal(overlaps=(Overlap(0, 0, -16),)),))])
    drawn = picture.draw(picture.regions(plan, graph), plan.arena_bytes, height=5)
    assert [line[11] for line in drawn.splitlines()] == ["b", "▒", "▒", "▒", "a"]


def test_many_steps_still_fit():
    graph, plan = chain(*([4] * 300))
    drawn = picture.draw(picture.regions(plan, graph), plan.arena_bytes, width=50, height=9)
    assert {len(line) for line in drawn.splitlines()} == {11 + 50}
