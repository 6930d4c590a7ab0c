"""Write what a run computes, block by block: its outputs, or every tensor."""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from qembed.errors import InputError
from qembed.files import growing_npy, replacing
from qembed.ir import AnyArray, Graph, Tensor
from qembed.ops import dequantize
from qembed.report.evaluation import Block

INDEX = "index.json"


@contextlib.contextmanager
def record(
    graph: Graph, samples: int, output: Path | None, trace: Path | None, real: bool = False
) -> Iterator[Callable[[Block], None]]:
    """Open files for a run of `samples` samples; they appear when the block ends, if it ends well.

    Parameters
    ----------
    graph : Graph
    samples : int
    output : Path, optional
        One `.npy` for a model with one output; or an `.npz` with an array per output.
    trace : Path, optional
        A folder that does not exist yet: one `.npy` a tensor, and an index in JSON.
    real : bool
        Write outputs as the real numbers they stand for, float32.
    """
    with contextlib.ExitStack() as stack:
        sinks: list[Callable[[Block], None]] = []
        if output is not None:
            sinks.append(stack.enter_context(_outputs(graph, samples, output, real)))
        if trace is not None:
            sinks.append(stack.enter_context(_tensors(graph, samples, trace)))

        def use(block: Block) -> None:
            for sink in sinks:
                sink(block)

        yield use


@contextlib.contextmanager
def _outputs(
    graph: Graph, samples: int, path: Path, real: bool
) -> Iterator[Callable[[Block], None]]:
    tensors = [graph.tensors[i] for i in graph.outputs]
    if path.suffix not in (".npy", ".npz") or (path.suffix == ".npy" and len(tensors) > 1):
        raise InputError(
            f"{path}: outputs are written to an .npy file (one output) or an .npz; this model has "
            f"{len(tensors)}"
        )
    with contextlib.ExitStack() as stack:
        if path.suffix == ".npy":
            files = [stack.enter_context(_file(path, tensors[0], samples, real))]
        else:
            archive = stack.enter_context(_archive(path))
            names = _unique([t.name for t in tensors])
            files = [
                stack.enter_context(_file(archive / f"{i}.npy", t, samples, real))
                for i, t in enumerate(tensors)
            ]
            (archive / INDEX).write_text(json.dumps(names))

        def use(block: Block) -> None:
            for file, array, tensor in zip(files, block.outputs, tensors, strict=True):
                file.write((_real(array, tensor) if real else array).tobytes())

        yield use


def _file(
    path: Path, tensor: Tensor, samples: int, real: bool = False
) -> contextlib.AbstractContextManager[IO[bytes]]:
    return growing_npy(path, (samples, *tensor.shape), "float32" if real else tensor.dtype)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[Path]:
    """Give a folder whose numbered arrays become the `.npz` file `path`."""
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        yield Path(folder)
        names = json.loads((Path(folder) / INDEX).read_text())
        with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
            for i, name in enumerate(names):
                archive.write(Path(folder) / f"{i}.npy", f"{name}.npy")


@contextlib.contextmanager
def _tensors(graph: Graph, samples: int, folder: Path) -> Iterator[Callable[[Block], None]]:
    if folder.exists():
        raise InputError(f"{folder} exists already; name a new folder for the trace")
    indices = [i for i, t in enumerate(graph.tensors) if t.data is None]
    with contextlib.ExitStack() as stack:
        beside = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent)
            )
        )
        made = beside / folder.name
        made.mkdir()
        with contextlib.ExitStack() as opened:
            files = {
                i: opened.enter_context(_file(made / f"{i}.npy", graph.tensors[i], samples))
                for i in indices
            }

            def use(block: Block) -> None:
                assert block.tensors is not None
                for i, file in files.items():
                    file.write(block.tensors[i].tobytes())

            yield use
        (made / INDEX).write_text(json.dumps(_index(graph, indices), indent=1) + "\n")
        made.rename(folder)


def _index(graph: Graph, indices: list[int]) -> list[dict[str, object]]:
    written_by = {i: node for node in graph.nodes for i in node.outputs}
    rows: list[dict[str, object]] = []
    for i in indices:
        tensor, node = graph.tensors[i], written_by.get(i)
        by = tensor.quantization
        rows.append(
            {
                "file": f"{i}.npy",
                "tensor": tensor.name,
                "layer": node.name if node else None,
                "operator": node.op if node else None,
                "scale": by.scale if by else None,
                "zero_point": by.zero_point if by else None,
            }
        )
    return rows


def _real(array: AnyArray, tensor: Tensor) -> AnyArray:
    if tensor.dtype == "float32":
        return array
    if tensor.quantization is None:
        raise InputError(f"output '{tensor.name}' has no scale to turn it into real numbers")
    by = tensor.quantization
    return dequantize.reference(dequantize.Dequantize(by.scale, by.zero_point), array)


def _unique(names: list[str]) -> list[str]:
    """Names for archive entries: the tensors' own, numbered where they would clash."""
    plain = ["".join(c if c.isalnum() or c in "._-" else "_" for c in n) for n in names]
    return [n if plain.count(n) == 1 else f"{n}.{i}" for i, n in enumerate(plain)]
