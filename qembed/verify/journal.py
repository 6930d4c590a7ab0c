"""What a board said, on disk while it says it: to go on after an interruption, and to judge again.

A journal is a file of frames, those of the link: a header, then what was observed, in order. It
only grows; a frame that an interruption cut short fails its checksum and counts as not there.
Observations are found by their input (for a model with state: by all inputs since its reset), so
that samples may be added at the end when it is taken up again.
"""

from __future__ import annotations

import copy
import hashlib
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from qembed.device.session import Observation
from qembed.errors import DeviceError, InputError, QembedError
from qembed.ir import AnyArray, Graph
from qembed.protocol import framing
from qembed.protocol.client import Statistics
from qembed.protocol.hashing import input_hash
from qembed.protocol.messages import (
    Capability,
    Info,
    Model,
    Record,
    pack_record,
    parse_record,
)
from qembed.verify.layers import unpacked
from qembed.verify.witness import Witness

FORMAT, VERSION = "qembed-journal", 2
HEADER, SAMPLE, OBSERVATION, TENSOR = b"H", b"S", b"O", b"T"
PIECE = 32_768
KEY_BYTES = 32
_RECORDED = struct.Struct("<IB")
MAX_TENSOR_BYTES = 1 << 28


@dataclass(slots=True, eq=False)
class Journal:
    """What is in the file.

    Attributes
    ----------
    path : Path
    info : Info
    models : tuple of Model
    url : str
        Where the board was.
    samples : list of bytes
        Inputs of the run, in order, each once.
    records : dict of (bytes, bool) to Record
        By key, and whether ticks were asked for: those of the run have them, those of a second
        look at a difference do not.
    tensors : dict of (bytes, int) to bytes
        Layers that were fetched, by key and layer.
    """

    path: Path
    info: Info
    models: tuple[Model, ...]
    url: str
    samples: list[bytes] = field(default_factory=list)
    records: dict[tuple[bytes, bool], Record] = field(default_factory=dict)
    tensors: dict[tuple[bytes, int], bytes] = field(default_factory=dict)


def keys(inputs: Iterable[bytes], ordered: bool) -> Iterator[bytes]:
    """Name each sample by what decides its bytes."""
    before = b"steps"
    for data in inputs:
        before = hashlib.sha256(before + data if ordered else data).digest()
        yield before


# ---- reading -----------------------------------------------------------------------------------


def load(path: Path) -> Journal:
    """Read a journal.

    Raises
    ------
    QembedError
        If the file cannot be read or is no journal.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise QembedError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    bodies = framing.Decoder().feed(content)
    try:
        journal = _header(path, next(bodies, b""))
        for body in bodies:
            _take(journal, body)
    except (struct.error, ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise QembedError(f"{path} is not a journal of this version of qembed") from None
    return journal


def _header(path: Path, body: bytes) -> Journal:
    document = json.loads(body[1:]) if body[:1] == HEADER else {}
    if document.get("format") != FORMAT or document.get("version") != VERSION:
        raise ValueError
    info = {**document["info"], "capabilities": Capability(document["info"]["capabilities"])}
    models = tuple(
        Model(
            bytes.fromhex(entry["hash"]),
            int(entry["arena_bytes"]),
            int(entry["layers"]),
            tuple(map(int, entry["inputs"])),
            tuple(map(int, entry["outputs"])),
            str(entry["name"]),
            str(entry["export_id"]),
        )
        for entry in document["models"]
    )
    return Journal(path, Info(**info), models, str(document["url"]))


def _take(journal: Journal, body: bytes) -> None:
    kind, rest = body[:1], body[1:]
    if kind == SAMPLE:
        (offset,) = struct.unpack_from("<I", rest)
        if offset == 0:
            journal.samples.append(b"")
        if offset == len(journal.samples[-1]):
            journal.samples[-1] += rest[4:]
    elif kind == OBSERVATION:
        key, data = rest[:KEY_BYTES], rest[KEY_BYTES:]
        layers, timed = _RECORDED.unpack_from(data)
        record = parse_record(data[_RECORDED.size :], layers, bool(timed))
        journal.records[key, bool(timed)] = record
    elif kind == TENSOR:
        key = rest[:KEY_BYTES]
        layer, total, offset = struct.unpack_from("<III", rest, KEY_BYTES)
        held = journal.tensors.get((key, layer), b"")
        piece = rest[KEY_BYTES + 12 :]
        if total <= MAX_TENSOR_BYTES and offset <= len(held):
            journal.tensors[key, layer] = held[:offset] + piece
    else:
        raise ValueError


# ---- writing -----------------------------------------------------------------------------------


class Recorder:
    """A board whose every word is written down; itself a `Witness`.

    Parameters
    ----------
    board : Witness
    path : Path
        The journal, made if there is none.
    resume : bool
        Go on with an existing journal. Without it an existing file is replaced.

    Raises
    ------
    InputError
        If the journal is of another firmware.
    QembedError
        If it cannot be read or written.
    """

    def __init__(self, board: Witness, path: Path, *, resume: bool = False) -> None:
        self._board = board
        self._contradicted: set[tuple[bytes, bool]] = set()
        self.journal = Journal(path, board.info, board.models, board.url)
        if resume and path.exists():
            self.journal = load(path)
            if (self.journal.info, self.journal.models) != (board.info, board.models):
                raise InputError(
                    f"{path} was recorded from firmware '{self.journal.info.firmware}' with other"
                    f" models than the one on {board.url}; start a new recording"
                )
        try:
            self._file: IO[bytes] = path.open("ab" if resume else "wb")
        except OSError as error:
            raise QembedError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        if self._file.tell():
            self._file.write(framing.DELIMITER)  # what was cut off must not swallow what follows
        else:
            self._write(HEADER + json.dumps(_describe(board)).encode())

    def moved_to(self, board: Witness) -> Recorder:
        """Go on with the same journal after the board was plugged in again."""
        moved = copy.copy(self)
        moved._board = board
        return moved

    def close(self) -> None:
        """Close the journal."""
        self._file.close()

    @property
    def url(self) -> str:
        """Where the board is."""
        return self._board.url

    @property
    def info(self) -> Info:
        """What the board says of itself."""
        return self._board.info

    @property
    def models(self) -> tuple[Model, ...]:
        """What the board says of its models."""
        return self._board.models

    @property
    def resets(self) -> int:
        """How often the board forgot the session."""
        return self._board.resets

    @property
    def statistics(self) -> Statistics:
        """How the line behaved."""
        return self._board.statistics

    def infer_many(
        self, model: int, inputs: Sequence[bytes], *, ordered: bool = False, ticks: bool = False
    ) -> Iterator[Observation]:
        """Run samples on the board and write down what it saw."""
        seen = self._board.infer_many(model, inputs, ordered=ordered, ticks=ticks)
        for key, observation in zip(keys(inputs, ordered), seen, strict=True):
            self._keep(key, observation.record, ticks)
            yield observation

    def go_on(
        self, model: int, inputs: Sequence[bytes], *, ordered: bool, ticks: bool
    ) -> Iterator[Observation]:
        """Run the samples that the journal does not know, and yield all of them in order.

        The last sample that is known is run again first: the board must still say the same. A
        model with state runs all its steps again, and each must be what it was.

        Raises
        ------
        InputError
            If the journal is of other samples.
        DeviceError
            If the board now says something else than before the interruption.
        """
        names = list(keys(inputs, ordered))
        for before, now in zip(self.journal.samples, inputs, strict=False):
            if before != now:
                raise InputError(
                    f"{self.journal.path} was recorded with other samples; give the same ones, or"
                    " start a new recording"
                )
        known = {key for key in names if (key, ticks) in self.journal.records}
        missing = [i for i, key in enumerate(names) if ordered or key not in known]
        if known and not ordered:
            seam = max(i for i, key in enumerate(names) if key in known)
            for seen in self._board.infer_many(model, [inputs[seam]], ticks=ticks):
                self._require_same(names[seam], seen.record, ticks)
        stream = self._board.infer_many(
            model, [inputs[i] for i in missing], ordered=ordered, ticks=ticks
        )
        for index, key in enumerate(names):
            if index >= len(self.journal.samples):
                self._keep_sample(inputs[index])
            record = self.journal.records[key, ticks] if key in known else next(stream).record
            if key not in known:
                self._keep(key, record, ticks)
            elif ordered:
                self._require_same(key, next(stream).record, ticks)
            yield Observation(index, input_hash(self.models[model], inputs[index]), record)

    def _require_same(self, key: bytes, record: Record, ticks: bool) -> None:
        if not _says_the_same(self.journal.records[key, ticks], record):
            raise DeviceError(
                f"the board on {self.url} says something else than {self.journal.path} holds of the"
                " same sample: it was changed, or it is unreliable; start a new recording"
            )

    def fetch(
        self, model: int, history: Sequence[bytes], layer: int, *, ordered: bool = False
    ) -> tuple[bytes, Record]:
        """Fetch a layer from the board and write it down."""
        tensor, record = self._board.fetch(model, history, layer, ordered=ordered)
        *_, key = keys(history, ordered)
        self._keep(key, record, ticks=False)
        for offset in range(0, len(tensor), PIECE):
            piece = struct.pack("<III", layer, len(tensor), offset) + tensor[offset:][:PIECE]
            self._write(TENSOR + key + piece)
        return tensor, record

    def _keep(self, key: bytes, record: Record, ticks: bool) -> None:
        """Write down what is new: of samples that run many times, the first contradiction too."""
        before = self.journal.records.get((key, ticks))
        if before is not None and (
            (key, ticks) in self._contradicted or _says_the_same(before, record)
        ):
            return
        if before is not None:
            self._contradicted.add((key, ticks))
        self.journal.records[key, ticks] = record
        head = _RECORDED.pack(len(record.layer_hashes), ticks)
        self._write(OBSERVATION + key + head + pack_record(record))

    def _keep_sample(self, data: bytes) -> None:
        self.journal.samples.append(data)
        for offset in range(0, max(len(data), 1), PIECE):
            self._write(SAMPLE + struct.pack("<I", offset) + data[offset : offset + PIECE])

    def _write(self, body: bytes) -> None:
        try:
            self._file.write(framing.encode(body))
            self._file.flush()  # what was observed outlives us
        except OSError as error:
            raise QembedError(
                f"{self.journal.path}: {(error.strerror or str(error)).lower()}"
            ) from None


def _says_the_same(a: Record, b: Record) -> bool:
    """Tell whether two runs of a sample agree in all that must not depend on the time."""
    return (a.input_hash, a.escape, a.layer_hashes, a.outputs) == (
        b.input_hash,
        b.escape,
        b.layer_hashes,
        b.outputs,
    )


def _describe(board: Witness) -> dict[str, Any]:
    models = [{**asdict(model), "hash": model.hash.hex()} for model in board.models]
    return {
        "format": FORMAT,
        "version": VERSION,
        "url": board.url,
        "info": {**asdict(board.info), "capabilities": int(board.info.capabilities)},
        "models": models,
    }


# ---- judging again -----------------------------------------------------------------------------


class Replay:
    """A `Witness` that is not there: it says what the journal holds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.url = f"{journal.path} (recorded at {journal.url})"
        self.info = journal.info
        self.models = journal.models
        self.resets = 0
        self.statistics = Statistics()

    def infer_many(
        self, model: int, inputs: Sequence[bytes], *, ordered: bool = False, ticks: bool = False
    ) -> Iterator[Observation]:
        """Yield what was observed of samples.

        Raises
        ------
        InputError
            If one was never run.
        """
        for index, (data, key) in enumerate(zip(inputs, keys(inputs, ordered), strict=True)):
            record = self._journal.records.get((key, ticks))
            if record is None:
                raise InputError(f"{self._journal.path} holds no observation of sample {index}")
            yield Observation(index, input_hash(self.models[model], data), record)

    def fetch(
        self, model: int, history: Sequence[bytes], layer: int, *, ordered: bool = False
    ) -> tuple[bytes, Record]:
        """Return a layer that was fetched when it was recorded.

        Raises
        ------
        InputError
            If it was not.
        """
        *_, key = keys(history, ordered)
        tensor = self._journal.tensors.get((key, layer))
        record = self._journal.records.get((key, False))
        if tensor is None or record is None:
            raise InputError(
                f"{self._journal.path} does not hold layer {layer} of this sample: it was recorded"
                " by another version of qembed; verify the board itself"
            )
        return tensor, record


def samples_of(journal: Journal, graph: Graph) -> tuple[AnyArray, ...]:
    """Return the inputs of a recorded run, one array per graph input, (B, *tensor.shape).

    Raises
    ------
    InputError
        If they are not inputs of this model.
    """
    tensors = [graph.tensors[i] for i in graph.inputs]
    size = sum(tensor.nbytes for tensor in tensors)
    samples = [sample for sample in journal.samples if len(sample) == size]
    if not samples or samples != journal.samples[: len(samples)]:
        raise InputError(f"{journal.path} holds no samples of model '{graph.name}'")
    rows = np.frombuffer(b"".join(samples), np.uint8).reshape(len(samples), size)
    arrays: list[AnyArray] = []
    at = 0
    for tensor in tensors:
        piece = np.ascontiguousarray(rows[:, at : at + tensor.nbytes])
        values = unpacked(piece.tobytes(), tensor, journal.info.byte_order)
        arrays.append(values.reshape(len(samples), *tensor.shape))
        at += tensor.nbytes
    return tuple(arrays)
