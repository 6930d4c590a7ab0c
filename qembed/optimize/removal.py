"""What was taken out of a graph, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal["constant", "unread", "identity", "padding", "fused"]
"""Channels: proved constant, or without a reader. Nodes: without a reader, an exact identity, a
border that the next layer adds by itself, or part of the next layer's table."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Channels of one node, or the node itself.

    Attributes
    ----------
    node : str
    reason : Reason
    channels : tuple of int
        Of its output, as the original counts them; empty if the whole node is gone.
    """

    node: str
    reason: Reason
    channels: tuple[int, ...] = ()
