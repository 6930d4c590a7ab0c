"""What an operator's GPU module says: which kernels, over which values, with which records."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qembed.errors import UnsupportedError
from qembed.ir import Tensor

Values = dict[str, Any]
"""Of a struct's fields: see `qembed.backends.gpu.records.Blob.record`."""


@dataclass(frozen=True, slots=True, eq=False)
class Launch:
    """One kernel of a node.

    Attributes
    ----------
    kernel : str
        ``QE_KERNEL`` of that name.
    struct : str
        Of its parameters.
    values : Values
    threads : int
        That a sample can make use of.
    inputs, outputs : tuple of int
        Which of the node's; by default all.
    takes_block : bool
        A sample needs a block of its own: the kernel has barriers.
    """

    kernel: str
    struct: str
    values: Values
    threads: int
    inputs: tuple[int, ...] | None = None
    outputs: tuple[int, ...] | None = None
    takes_block: bool = False


Lower = Callable[[Any, Sequence[Tensor], Sequence[Tensor]], list[Launch]]


@functools.cache
def lower(op: str) -> Lower:
    """Return ``lower(params, inputs, outputs)`` of an operator; loaded as models need it.

    Raises
    ------
    UnsupportedError
        If no kernel computes the operator.
    """
    name = f"qembed.backends.gpu.ops.{op}"
    if importlib.util.find_spec(name) is None:
        raise UnsupportedError("no kernel computes this operator")
    module = importlib.import_module(name)
    found: Lower = module.lower
    return found
