"""Export a complete firmware: models, link, and everything that a board needs, ready for `make`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import qembed
from qembed.boards import REGIONS, Board
from qembed.errors import QembedError
from qembed.export.cmsis_nn import cmsis_nn_files, with_cmsis_nn
from qembed.export.folder import write_folder
from qembed.export.mlperf import template_values
from qembed.export.model import ModelSources, model_sources
from qembed.export.templates import render
from qembed.ir import Graph
from qembed.resources import firmware_templates

ELF_NAME = "firmware.elf"
ARENA_SYMBOL = "qe_arena"
GUARD_BYTES = 32
"""Bytes beyond the largest arena: room for the link to shift buffers and watch their ends."""


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One model of a firmware.

    Attributes
    ----------
    prefix : str
        Begins every C name of the model.
    layers : int
        Calls of QE_LAYER_DONE in an inference.
    files : mapping of str to bytes
        By path below the folder `model`.
    constants : frozenset of str
        C names of its constant arrays.
    sources : ModelSources, optional
        How it was made; None for a model written by hand.
    """

    prefix: str
    layers: int
    files: Mapping[str, bytes]
    constants: frozenset[str]
    sources: ModelSources | None = None

    @property
    def pushed(self) -> bool:
        """Whether its input comes row by row."""
        return self.sources is not None and self.sources.pushed


@dataclass(frozen=True, slots=True)
class FirmwareProject:
    """Sources of a firmware that `make` builds, in `folder`.

    Attributes
    ----------
    folder : Path
    board : Board
    models : tuple of ModelPart
        In the order of the link's model index.
    files : tuple of str
        Everything that was written, by path below `folder`.
    """

    folder: Path
    board: Board
    models: tuple[ModelPart, ...]
    files: tuple[str, ...]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Beginnings of the models' C names."""
        return tuple(model.prefix for model in self.models)


def export_firmware(
    graphs: Sequence[Graph],
    board: Board,
    out_dir: Path,
    prefixes: Sequence[str | None] | None = None,
    *,
    link: bool = True,
    arena_max: int | None = None,
    push_rows: bool = False,
    cmsis_nn: Path | None = None,
    mlperf: bool = False,
) -> FirmwareProject:
    """Write the sources of a firmware.

    Parameters
    ----------
    graphs : sequence of Graph
        At least one, each valid.
    board : Board
    out_dir : Path
        Appears whole or not at all; an earlier export there is replaced.
    prefixes : sequence of str or None, optional
        One for each graph; None stands for one made from the graph's name.
    link : bool
        With the verification link; else it only computes, as a measure of what the models need.
    arena_max : int, optional
        Bytes of RAM that the activations of any of the models may take.
    push_rows : bool
        The input of each model comes row by row, and is never whole.
    cmsis_nn : Path, optional
        Folder of a CMSIS-NN that runs the layers that it can, in place of qembed's kernels.
    mlperf : bool
        Beside the link, answer the MLPerf Tiny runner with the first model.

    Raises
    ------
    QembedError
        If two models have the same prefix, one cannot be exported for the board's target, or
        `out_dir` holds files that no export wrote.
    """
    names = prefixes if prefixes is not None else [None] * len(graphs)
    target = board.target if cmsis_nn is None else with_cmsis_nn(board.target)
    library = {} if cmsis_nn is None else cmsis_nn_files(cmsis_nn)
    parts = [
        _part(model_sources(graph, target, name, arena_max, push_rows), library)
        for graph, name in zip(graphs, names, strict=True)
    ]
    benchmark = template_values(graphs[0], board) if mlperf else None
    return write_firmware(parts, board, out_dir, link=link, benchmark=benchmark)


def write_firmware(
    parts: Sequence[ModelPart],
    board: Board,
    out_dir: Path,
    *,
    link: bool = True,
    benchmark: Mapping[str, object] | None = None,
) -> FirmwareProject:
    """Write models together with the board, the link, main.c and a Makefile around them."""
    prefixes = tuple(part.prefix for part in parts)
    if len(set(prefixes)) != len(prefixes):
        raise QembedError(
            f"models of one firmware need different prefixes, not {', '.join(prefixes)}"
        )
    files = {f"model/{path}": text for part in parts for path, text in part.files.items()}
    runtime = [
        path
        for path in sorted((firmware_templates() / "runtime").glob("*.[ch]" if link else "*.h"))
        if benchmark or path.stem != "qe_mlperf"
    ]
    files |= {f"runtime/{path.name}": path.read_bytes() for path in runtime}
    files |= {f"board/{path.name}": path.read_bytes() for path in board.files}
    values = _template_values(parts, board, sorted(files)) | {"link": link, "mlperf": benchmark}
    main = "main.c" if link else "bare_main.c"
    for name, template in (("main.c", main), ("Makefile", "Makefile"), ("README.md", "README.md")):
        files[name] = render(f"firmware/{template}.j2", values)
    write_folder(out_dir, files)
    return FirmwareProject(out_dir, board, tuple(parts), tuple(sorted(files)))


def _part(sources: ModelSources, library: Mapping[str, bytes]) -> ModelPart:
    return ModelPart(
        sources.prefix,
        len(sources.plan.layers),
        {**sources.files, **library},
        frozenset(sources.arrays),
        sources,
    )


def _template_values(
    parts: Sequence[ModelPart], board: Board, paths: Sequence[str]
) -> dict[str, object]:
    headers = [PurePosixPath(path) for path in paths if path.endswith(".h")]
    return {
        "banner": f"Firmware for board {board.name}, written by qembed {qembed.__version__}.",
        "firmware": f"qembed {qembed.__version__} on {board.name}",
        "board": board,
        "prefixes": [part.prefix for part in parts],
        "pushed": [part.prefix for part in parts if part.pushed],
        "max_layers": max(part.layers for part in parts),
        "guard_bytes": GUARD_BYTES,
        "arena": ARENA_SYMBOL,
        "elf": ELF_NAME,
        "ldflags": _ldflags(board),
        "sources": ["main.c", *(path for path in paths if path.endswith(".c"))],
        "includes": sorted({header.parent.as_posix() for header in headers}),
    }


def _ldflags(board: Board) -> list[str]:
    flags = list(board.ldflags)
    if board.linker_script:
        flags.append(f"-Tboard/{board.linker_script}")
    if board.memory:
        flags += [f"-Wl,--defsym={r.upper()}={getattr(board.memory, r):#x}" for r in REGIONS]
    return flags
