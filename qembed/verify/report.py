"""What a verification found: plain frozen data for every kind of report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qembed.verify.agreement import Agreement

Blame = Literal["board", "host", "input", "unstable"]
"""Who departs from the reference: the board; the host kernels (then it is a bug of qembed); nobody,
but the board saw another input than was sent; or a difference that a second run does not show."""

BLAMES: dict[Blame, str] = {
    "board": "the board differs from the reference; the host agrees with it",
    "host": "the host kernel differs from the reference: a bug of qembed, please report it",
    "input": "the board computed from another input than was sent: something writes over it",
    "unstable": "a second run on the board gave the right bytes: memory or timing is unreliable",
}


Native = Literal["", "right", "same", "other"]
"""What the same network in portable C gives as a process of this computer: nothing is known of it;
the right bytes; the board's wrong ones; others, which are wrong as well."""

NATIVES: dict[Native, str] = {
    "": "",
    "right": "portable C gives the right bytes there: look at {variant}the compiler, the port, the "
    "memory of the board",
    "same": "portable C gives the same wrong element there: the C code is to blame",
    "other": "portable C is wrong there as well, but otherwise",
}

QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
"""Which quantiles of the cost of an inference a report has."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number of a layer that the board has otherwise.

    Attributes
    ----------
    name : str
        "weights", "bias", "multiplier" or "shift".
    index : tuple of int
    value : int
        The board's.
    """

    name: str
    index: tuple[int, ...]
    value: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where a constant lies in a firmware: `offset` bytes into `symbol`, at `address`."""

    symbol: str
    offset: int
    address: int


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains every observed byte of a wrong layer.

    Attributes
    ----------
    kind : str
        "rounding", "saturation", "padding", "parameters", "weights", "endianness", "alignment",
        "stale", "buffer", "overlap", "channels", "layout", "input" or "escape".
    text : str
        For people.
    constants : tuple of Constant
        The numbers that are wrong, where single ones are.
    sites : tuple of Site
        Where these lie, if the firmware's file is at hand.
    """

    kind: str
    text: str
    constants: tuple[Constant, ...] = ()
    sites: tuple[Site, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first wrong element of the first wrong layer of the first wrong sample.

    Attributes
    ----------
    sample : int
    layer : int
        Position in the board's list of layers; -1: the input; one past the last: the outputs as
        they were read after the inference, although every layer was right.
    name, op, variant, function : str
        Node, operator, kernel variant and C function; empty where there is none.
    tensor : str
    index : tuple of int
        In the tensor: [n, y, x, c] for an image. Empty if no element is known.
    accumulator : int, optional
        Sum before requantization, by definition, where the operator has one.
    expected, got : float, optional
        Element values; of integers exactly.
    differing, elements : int
        How many elements of the tensor differ, and how many it has.
    largest : float
        Largest difference of an element.
    blame : Blame
    pattern : str
        Which elements differ, in words.
    causes : tuple of Cause
        The likeliest first; empty if no candidate explains what was seen.
    native : Native
    """

    sample: int
    layer: int
    name: str
    op: str
    variant: str
    function: str
    tensor: str
    index: tuple[int, ...]
    accumulator: int | None
    expected: float | None
    got: float | None
    differing: int
    elements: int
    largest: float
    blame: Blame
    pattern: str = ""
    causes: tuple[Cause, ...] = ()
    native: Native = ""


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One layer over all samples.

    Attributes
    ----------
    layer, node : int
    name, op, variant, function : str
    differing : int
        Samples in which its bytes differ.
    first : int
        Samples in which it is the first that differs.
    cost : float, optional
        Median of an inference, in the counter's unit.
    """

    layer: int
    node: int
    name: str
    op: str
    variant: str
    function: str
    differing: int
    first: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """An inference, in the counter's unit; `quantiles` at `QUANTILES`."""

    unit: str
    least: float
    median: float
    most: float
    quantiles: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """RAM of an inference, in bytes.

    Attributes
    ----------
    arena_bytes : int
    stack_bytes : int, optional
        Most that a run was seen to take, hashing included; None if the board does not watch it.
    stack_bound : int, optional
        What the compiler's reports allow; None without them.
    """

    arena_bytes: int
    stack_bytes: int | None
    stack_bound: int | None


@dataclass(frozen=True, slots=True)
class LineSummary:
    """How the link behaved.

    Attributes
    ----------
    sent_frames, lost_frames, stale_frames : int
        Frames of the host; those whose answer never came; answers that came too late to count.
    sent_bytes, received_bytes : int
    damaged : int
        Frames that arrived damaged at the host.
    resets : int
        How often the board forgot the session.
    reconnects : int
        How often the port was opened again.
    seconds : float
    """

    sent_frames: int
    lost_frames: int
    stale_frames: int
    sent_bytes: int
    received_bytes: int
    damaged: int
    resets: int
    reconnects: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict and what it rests on.

    Attributes
    ----------
    verdict : "equal" or "different"
        Equal: every byte of every layer and output of every sample.
    model, hash : str
        Name, and SHA-256 in hexadecimal.
    port, firmware : str
    samples, differing : int
        Inferences.
    passes : int
        How often all samples were run.
    layers : tuple of LayerSummary
    layer_bytes : int
        Activation bytes that were compared.
    counter_unit : str
        What the board says that it counts; empty without a counter.
    first : Difference, optional
    agreement : tuple of Agreement
        One per output.
    cost : Cost, optional
        None if the board has no counter, or one that does not count.
    memory : Memory
    line : LineSummary
    """

    verdict: Literal["equal", "different"]
    model: str
    hash: str
    port: str
    firmware: str
    samples: int
    passes: int
    differing: int
    layers: tuple[LayerSummary, ...]
    layer_bytes: int
    first: Difference | None
    agreement: tuple[Agreement, ...]
    counter_unit: str
    cost: Cost | None
    memory: Memory
    line: LineSummary
