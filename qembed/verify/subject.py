"""A board to verify: built and booted here, or behind a port, with what its layers are."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qembed.boards import Board
from qembed.container import graph_hash
from qembed.device.build import build_firmware
from qembed.device.elf import read_elf
from qembed.device.emulator import boot
from qembed.device.host_tools import cache_folder
from qembed.device.session import Session
from qembed.device.transport import Port, open_port
from qembed.export.firmware import export_firmware
from qembed.ir import Graph
from qembed.verify.exports import layers_on, model_on, read_manifest
from qembed.verify.journal import Recorder
from qembed.verify.layers import ReportedLayer, layers_of
from qembed.verify.site import Build
from qembed.verify.witness import Witness, model_index

NATIVE = "native"
"""The board that is a process of this computer."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A board that has answered, one model on it, and what that model's layers are.

    `build` is the firmware's file, if it is at hand, `board` the name of the board that was booted
    here.
    """

    graph: Graph
    session: Witness
    layers: Sequence[ReportedLayer]
    build: Build | None = None
    board: str = ""


@contextlib.contextmanager
def on_board(
    graph: Graph,
    board: Board,
    cmsis_nn: Path | None = None,
    *,
    arena_max: int | None = None,
    push_rows: bool = False,
) -> Iterator[Subject]:
    """Export, build and boot; inside the block the board runs.

    Parameters
    ----------
    graph : Graph
    board : Board
    cmsis_nn : Path, optional
        Folder of a CMSIS-NN to run the layers in place of qembed's kernels.
    arena_max, push_rows
        As for `export_firmware`.

    Raises
    ------
    ToolError
        If the compiler or the emulator is missing.
    UnsupportedError
        If the model cannot be exported for the board.
    DeviceError
        If the firmware does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="qembed-") as folder:
        project = export_firmware(
            [graph],
            board,
            Path(folder) / "firmware",
            arena_max=arena_max,
            push_rows=push_rows,
            cmsis_nn=cmsis_nn,
        )
        firmware = build_firmware(project)
        sources = project.models[0].sources
        assert sources is not None  # exported from a graph
        with boot(firmware) as running, contextlib.closing(open_port(running.port_url)) as port:
            build = Build(firmware.elf, sources.prefix, firmware.sizes.stack)
            yield Subject(graph, Session(port), layers_of(sources), build, board.name)


def at_port(
    port: Port,
    graph: Graph | None = None,
    manifest: Path | None = None,
    elf: Path | None = None,
) -> Subject:
    """Shake hands with the board behind a port; the rest as for `subject_of`."""
    return subject_of(Session(port), graph, manifest, elf)


def subject_of(
    witness: Witness,
    graph: Graph | None = None,
    manifest: Path | None = None,
    elf: Path | None = None,
) -> Subject:
    """Find out which model a board holds, and what its layers are.

    Parameters
    ----------
    witness : Witness
    graph : Graph, optional
        By default the board is asked, and what was exported on this computer is searched.
    manifest : Path, optional
        The ``<prefix>.json`` of the export on the board; by default likewise.
    elf : Path, optional
        The linked firmware.

    Raises
    ------
    ToolError
        If `elf` is no ELF file.
    DeviceError
        If no qembed firmware answers, it holds another model, or its export is not known.
    """
    graph = model_on(witness.models) if graph is None else graph
    model = witness.models[model_index(witness, graph_hash(graph))]
    layers = layers_on(graph, model) if manifest is None else read_manifest(manifest, graph)
    if elf is None:
        return Subject(graph, witness, layers)
    read_elf(elf)  # what is wrong with it is to be said before hours of work
    return Subject(graph, witness, layers, Build(elf, model.name))


@contextlib.contextmanager
def recorded(subject: Subject, path: Path, resume: bool = False) -> Iterator[Subject]:
    """Write everything that a board says to a journal; see `qembed.verify.journal`."""
    with contextlib.closing(Recorder(subject.session, path, resume=resume)) as recorder:
        yield replace(subject, session=recorder)


def journal_of(url: str) -> Path:
    """Return the place of the journal of a port, if nobody names another."""
    name = "".join(c if c.isalnum() else "_" for c in url)
    return cache_folder() / "journals" / f"{name}.journal"
