"""What a node asks of memory: how much scratch, and how its output may lie over a dying input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where an output may lie relative to an input that nobody reads afterwards.

    With ``d = output offset - input offset``, the node's result is right if ``d <= below``, if
    ``d >= above``, or if ``d == 0`` and `in_place`. Pairs that are not declared must lie apart.

    Attributes
    ----------
    input, output : int
        Positions in the node's lists.
    below, above : int, optional
        Bytes, below < above; None: only when the two lie apart.
    in_place : bool
        Distance 0 is safe, even between the two.
    """

    input: int
    output: int
    below: int | None = None
    above: int | None = None
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Traversal:
    """One way to run a node: an order of reads and writes.

    Attributes
    ----------
    name : str
        What the operator's lowering calls it.
    scratch : int
        Bytes of working memory, beside inputs and outputs.
    overlaps : tuple of Overlap
    cost : int
        Work beyond that of the node's cheapest traversal, in any unit that all nodes share.
    """

    name: str = "forward"
    scratch: int = 0
    overlaps: tuple[Overlap, ...] = ()
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """All ways to run a node, the preferred one first among those of equal cost.

    Attributes
    ----------
    traversals : tuple of Traversal
        At least one.
    alias : bool
        The output is the input, byte for byte: the same place serves both and nothing needs to
        run. Where that is impossible (the input is a constant or state) the node runs after all.
    """

    traversals: tuple[Traversal, ...] = (Traversal(),)
    alias: bool = False


def element_wise(inputs: int) -> tuple[Overlap, ...]:
    """Overlaps of a node that reads element i of every input, then writes element i, upwards.

    The output's elements must not be wider than those of an input, and an input must not be
    broadcast.
    """
    return tuple(Overlap(i, 0, below=0) for i in range(inputs))
