"""Exact instruction counts of an inference on an emulated board, layer by layer.

QEMU counts every instruction itself, through a plugin, while the unmodified firmware serves the
link; hashing and the link are left out. The counts depend on the firmware and the input alone.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qembed.device.build import Firmware
from qembed.device.elf import SHF_EXECINSTR, Elf, read_elf
from qembed.device.emulator import Running, boot
from qembed.device.host_tools import compile_tool
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.errors import ToolError

ENTRIES = ("invoke", "push_row")
"""What runs a model, whole or row by row."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What ran between two points of an inference.

    Attributes
    ----------
    executed : dict
        By address: how often the instruction ran.
    taken : dict
        By address: how often it was left by a jump.
    """

    executed: dict[int, int]
    taken: dict[int, int]

    @property
    def instructions(self) -> int:
        """Number of executed instructions."""
        return sum(self.executed.values())


@dataclass(frozen=True, slots=True)
class Counts:
    """Executed instructions of one inference.

    Attributes
    ----------
    layers : tuple of Stretch
        One for each call of QE_LAYER_DONE or QE_LAYER_ROW.
    rest : Stretch
        What the model's `_invoke` ran after its last layer.
    """

    layers: tuple[Stretch, ...]
    rest: Stretch

    @property
    def per_layer(self) -> tuple[int, ...]:
        """Instructions of each layer."""
        return tuple(layer.instructions for layer in self.layers)

    @property
    def total(self) -> int:
        """Instructions of the inference."""
        return sum(self.per_layer) + self.rest.instructions


@dataclass(frozen=True, slots=True)
class Counting:
    """A running firmware whose inferences are counted."""

    running: Running
    file: Path

    def take(self) -> tuple[Counts, ...]:
        """Return the counts of every inference whose result has arrived so far, in order."""
        return tuple(parse_counts(self.file.read_text()))


@contextlib.contextmanager
def boot_counting(firmware: Firmware) -> Iterator[Counting]:
    """Boot a firmware and count its inferences; otherwise like `boot`.

    Raises
    ------
    ToolError
        If the board is not emulated by QEMU, or the host has no C compiler for the plugin.
    """
    emulator = firmware.board.emulator
    if emulator is None or not emulator.plugin_option:
        raise ToolError(
            f"board '{firmware.board.name}' cannot count instructions: QEMU does not emulate it"
        )
    plugin = compile_tool("icount_plugin.c", ("-shared", "-fPIC"), ())
    with tempfile.TemporaryDirectory(prefix="qembed-") as folder:
        file = Path(folder) / "counts"
        arguments = [str(plugin), *_plugin_arguments(firmware), f"out={file}"]
        escaped = ",".join(argument.replace(",", ",,") for argument in arguments)
        with boot(firmware, plugin=escaped) as running:
            yield Counting(running, file)


def count_instructions(
    firmware: Firmware, samples: Sequence[bytes], model: int = 0
) -> tuple[Counts, ...]:
    """Boot a firmware, run samples one after the other and count the inference of each.

    Parameters
    ----------
    firmware : Firmware
        With the link.
    samples : sequence of bytes
        All inputs of each, one behind the other, as they lie in memory.
    model : int
        Which of the firmware's models.

    Raises
    ------
    ToolError
        As `boot_counting`.
    DeviceError
        If the firmware does not answer.
    """
    with boot_counting(firmware) as counting:
        port = open_port(counting.running.port_url)
        try:
            session = Session(port)
            return tuple(_count(counting, session, model, sample) for sample in samples)
        finally:
            port.close()


def _count(counting: Counting, session: Session, model: int, sample: bytes) -> Counts:
    """Count one inference: the last one, for a slow line may have had it repeated."""
    for _ in session.infer_many(model, [sample]):
        pass
    return counting.take()[-1]


def parse_counts(text: str) -> Iterator[Counts]:
    """Read the plugin's file; an inference that is not complete yet is left out."""
    for inference in text.split("end\n")[:-1]:
        stretches: list[Stretch] = []
        for line in inference.splitlines():
            if line in ("layer", "rest"):
                stretches.append(Stretch({}, {}))
            else:
                address, executed, taken = line.split()
                stretches[-1].executed[int(address, 16)] = int(executed)
                stretches[-1].taken[int(address, 16)] = int(taken)
        yield Counts(tuple(stretches[:-1]), stretches[-1])


STREAMING = ("qe_rows_run", "run_layer", "report")
"""Functions of qe_rows.c that call the link, as far as the compiler did not inline them."""


def _plugin_arguments(firmware: Firmware) -> list[str]:
    elf = read_elf(firmware.elf)
    first, end = _code_range(elf)
    names = {symbol.name for symbol in elf.symbols}
    arguments = [f"code={first:x}-{end:x}", f"send={elf.function('qe_port_write').address:x}"]
    for name in ("qe_layer_done", "qe_layer_row"):
        if name in names:
            arguments.append(f"done={elf.function(name).address:x}")
    if "qe_rows_begin" in names:
        arguments.append(f"begin={elf.function('qe_rows_begin').address:x}")
    models = [
        next(f"{model.prefix}_{name}" for name in ENTRIES if f"{model.prefix}_{name}" in names)
        for model in firmware.models
    ]
    for name in (*models, *(name for name in STREAMING if name in names)):
        function = elf.function(name)
        arguments.append(f"invoke={function.address:x}-{function.address + function.size:x}")
    return arguments


def _code_range(elf: Elf) -> tuple[int, int]:
    code = [s for s in elf.sections if s.flags & SHF_EXECINSTR]
    return min(s.address for s in code), max(s.address + s.size for s in code)
