"""Who tells what a board computed: the board itself, or a record of what it said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from qembed.device.session import Observation
from qembed.errors import DeviceError
from qembed.protocol.client import Statistics
from qembed.protocol.messages import Info, Model, Record


class Witness(Protocol):
    """What the judge asks: a `Session`, a `Recorder` around one, or a `Replay`."""

    @property
    def url(self) -> str:
        """Where it is, for people."""

    @property
    def info(self) -> Info:
        """What it says of itself."""

    @property
    def models(self) -> tuple[Model, ...]:
        """What it says of its models."""

    @property
    def resets(self) -> int:
        """How often it forgot the session."""

    @property
    def statistics(self) -> Statistics:
        """How the line behaved."""

    def infer_many(
        self, model: int, inputs: Sequence[bytes], *, ordered: bool = False, ticks: bool = False
    ) -> Iterator[Observation]:
        """Run samples; see `Session.infer_many`."""

    def fetch(
        self, model: int, history: Sequence[bytes], layer: int, *, ordered: bool = False
    ) -> tuple[bytes, Record]:
        """Run a sample again for one layer's bytes; see `Session.fetch`."""


def model_index(witness: Witness, digest: bytes) -> int:
    """Return the index of the model with this hash.

    Raises
    ------
    DeviceError
        If the firmware has none.
    """
    for index, model in enumerate(witness.models):
        if model.hash == digest:
            return index
    have = ", ".join(f"'{m.name}' ({m.hash.hex()[:12]})" for m in witness.models)
    raise DeviceError(
        f"the firmware on {witness.url} does not hold this model ({digest.hex()[:12]});"
        f" it has {have}; build and flash it again, or choose that model"
    )
