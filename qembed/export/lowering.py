"""What one node becomes on the device, as plain values: the bridge from operators to templates.

A lowering module ``qembed/export/ops/<stem>.py`` has ``lower(node, graph)``. It names a kernel,
fills the kernel's parameter struct and packs its constant arrays; it writes no C. The exporter
turns values into text, with names of its own making: nothing here comes from the model's strings.

How a `Lowering` is called in C::

    function(&params, input..., output..., scratch);

- ``params``: a ``static const`` struct of type ``params_type``, initialized from ``fields``;
- every input and output of the node, in the node's order, as pointers (`void *` converts; an input
  that is a constant tensor is a pointer to a constant array of its data). With `inputs_as_array`
  or `outputs_as_array` they are passed as one ``static``-sized array of pointers:
  ``const void *const inputs[]`` / ``void *const outputs[]``;
- ``scratch``: only if ``scratch_bytes`` > 0; aligned to 4 bytes.

State (a tensor with ``reset_value``) is an input and an output like any other; both pointers are
the same then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from qembed.ir import AnyArray, Graph, Node
from qembed.plan import Demand, Overlap, Traversal
from qembed.plan.layout import NHWC, Orders


@dataclass(frozen=True, slots=True, eq=False)
class CArray:
    """A constant array: stays in flash.

    Attributes
    ----------
    suffix : str
        A C identifier, unique within its lowering, such as "weights".
    c_type : str
        Element type in C, such as "int8_t"; it holds exactly what `values` holds.
    values : ndarray
        Any shape; laid out in C order.
    rom : bool
        The kernel reads it through a pointer to ``QE_ROM``: see qe_types.h.
    """

    suffix: str
    c_type: str
    values: AnyArray
    rom: bool = False


Value: TypeAlias = "int | float | CArray | tuple[int, ...] | Mapping[str, Value] | None"
"""A struct member: an integer, a float32 number, a pointer to an array (None: NULL), a member that
is itself an array of integers, or a nested struct."""


@dataclass(frozen=True, slots=True, eq=False)
class Lowering:
    """One call of one kernel.

    Attributes
    ----------
    stem, variant : str
        Operator and kernel variant, such as "conv" and "portable".
    function, params_type : str
        C identifiers.
    fields : mapping
        Every member of the parameter struct, in the order of its declaration.
    sources, headers : tuple of str
        What the kernel needs: paths below ``kernels/src`` and ``kernels/include``.
    scratch_bytes : int
        0: the function takes no scratch pointer.
    inputs_as_array, outputs_as_array : bool
        See the module docstring.
    in_place : tuple of int
        Positions of inputs that the (first) output may overwrite when both start at the same
        address.
    overlaps : tuple of Overlap
        Further distances of inputs and outputs at which the result is right. Every overlap that is
        not declared is forbidden.
    identity : bool
        The output's bytes are those of input 0: placed there, the call can be left out.
    orders : Orders
        Storage order of its inputs and outputs.
    traversal : str
        Name of the order in which it reads and writes.
    cost : int
        Instructions, roughly, beyond those of the layer's cheapest traversal.
    others : tuple of Lowering
        The same kernel in other traversals, each with a name of its own. The memory plan takes
        the one that suits it.
    """

    stem: str
    variant: str
    function: str
    params_type: str
    fields: Mapping[str, Value]
    sources: tuple[str, ...]
    headers: tuple[str, ...]
    scratch_bytes: int = 0
    inputs_as_array: bool = False
    outputs_as_array: bool = False
    in_place: tuple[int, ...] = ()
    identity: bool = False
    orders: Orders = NHWC
    overlaps: tuple[Overlap, ...] = ()
    traversal: str = "forward"
    cost: int = 0
    others: tuple[Lowering, ...] = ()

    @property
    def arrays(self) -> tuple[CArray, ...]:
        """Every constant array that `fields` refers to, each once, in order."""
        return tuple({id(a): a for a in _arrays(self.fields)}.values())


def demand_of(lowering: Lowering) -> Demand:
    """Translate what a lowered node asks of memory."""
    ways = (lowering, *lowering.others)
    return Demand(tuple(_traversal_of(way) for way in ways), lowering.identity)


def _traversal_of(lowering: Lowering) -> Traversal:
    in_place = tuple(Overlap(i, 0, in_place=True) for i in lowering.in_place)
    return Traversal(
        lowering.traversal, lowering.scratch_bytes, in_place + lowering.overlaps, lowering.cost
    )


TunedKernel = Callable[[Node, Graph, Orders], Lowering | None]
"""Lowers a node for one instruction set and storage order; None where no kernel fits the layer."""


def _arrays(value: Value) -> list[CArray]:
    if isinstance(value, CArray):
        return [value]
    if isinstance(value, Mapping):
        return [array for member in value.values() for array in _arrays(member)]
    return []
