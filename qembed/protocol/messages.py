"""Messages: docs/protocol.md, sections 2 to 4, as frozen data, and their bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Literal

VERSION = 2
HEADER = struct.Struct("<BBHI")
NO_STEP = 0xFFFFFFFF
NO_LAYER = 0xFFFFFFFF
RECORD_HEAD = struct.Struct("<IQIII")
MIN_FRAME_BYTES = 64
MAX_MODEL_BYTES = 1 << 28


ByteOrder = Literal["<", ">"]
"""Little-endian, big-endian; as NumPy writes them."""


class Type(IntEnum):
    """First byte of a body."""

    HELLO = 0x81
    DESCRIBE = 0x82
    INFER = 0x83
    RESET = 0x84
    PING = 0x85
    SETUP = 0x86
    INFO = 0xC1
    MODEL = 0xC2
    RESULT = 0xC3
    DONE = 0xC4
    PONG = 0xC5
    TENSOR = 0xC6
    ERROR = 0xCF


class Code(IntEnum):
    """Why a device refuses."""

    REQUEST = 1
    SESSION = 2
    MODEL = 3
    RANGE = 4
    GAP = 5
    ORDER = 6
    FAILED = 7
    LAYERS = 8


class Infer(IntFlag):
    """Flags of INFER."""

    NONE = 0
    ORDERED = 1
    TICKS = 2
    FETCH = 4


class Capability(IntFlag):
    """What a firmware can do."""

    LAYER_HASHES = 1
    LAYER_TICKS = 2
    STRESS = 4
    BIG_ENDIAN = 8


@dataclass(frozen=True, slots=True)
class Header:
    """Start of every body."""

    type: int
    model: int
    sequence: int
    session: int

    def pack(self) -> bytes:
        """Return its eight bytes."""
        return HEADER.pack(self.type, self.model, self.sequence, self.session)


@dataclass(frozen=True, slots=True)
class Info:
    """What a device says of itself."""

    version: int
    frame_bytes: int
    window: int
    capabilities: Capability
    counter_numerator: int
    counter_denominator: int
    models: int
    counter_unit: str
    firmware: str

    @property
    def byte_order(self) -> ByteOrder:
        """How numbers of several bytes lie in the device's memory."""
        return ">" if Capability.BIG_ENDIAN in self.capabilities else "<"

    @property
    def sound(self) -> bool:
        """Frames have room for something, and the counter's ratio is one."""
        return self.frame_bytes >= MIN_FRAME_BYTES and self.counter_denominator > 0


@dataclass(frozen=True, slots=True)
class Model:
    """What a device says of one of its models; sizes in bytes.

    `export_id` names the export that it was made from; empty for a runtime of somebody's own.
    """

    hash: bytes
    arena_bytes: int
    layers: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str
    export_id: str = ""

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs, one behind the other."""
        return sum(self.inputs)

    @property
    def sound(self) -> bool:
        """A device can hold this: what claims more is not to be believed."""
        return self.input_bytes + record_bytes(self, ticks=True) <= MAX_MODEL_BYTES


@dataclass(frozen=True, slots=True)
class ResultPiece:
    """A piece of a record; all pieces of one record are of one run."""

    sample: int
    run: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class TensorPiece:
    """A piece of the output of the layer that was asked for."""

    sample: int
    total: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """A request was obeyed; for INFER `value` is the number of input bytes so far."""

    value: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The device lives and has thrown away `damaged` frames."""

    damaged: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The device refuses a request."""

    code: int
    detail: int


Answer = Info | Model | ResultPiece | TensorPiece | Done | Pong | Refusal


@dataclass(frozen=True, slots=True)
class Record:
    """What a device saw of one inference.

    Attributes
    ----------
    input_hash : int
    ticks : int
        Of the whole run.
    stack_bytes : int
        Stack that the run took; 0: the device does not watch it.
    escape : (int, int), optional
        Only under stress, if guard bytes around the arena were damaged: the layer after which that
        was seen first, and the place, in bytes from the arena's start.
    layer_hashes : tuple of int
    layer_ticks : tuple of int
        Empty if they were not asked for.
    outputs : bytes
        One behind the other.
    """

    input_hash: int
    ticks: int
    stack_bytes: int
    escape: tuple[int, int] | None
    layer_hashes: tuple[int, ...]
    layer_ticks: tuple[int, ...]
    outputs: bytes


def infer_fields(
    flags: Infer,
    sample: int,
    offset: int,
    longest: int,
    fetch: tuple[int, int, int] | None = None,
) -> bytes:
    """Fields of INFER before its data; `fetch` is (layer, first, count), with flag FETCH."""
    head = struct.pack("<BIIH", flags, sample, offset, longest)
    return head if fetch is None else head + struct.pack("<HII", *fetch)


_REASONS: dict[int, str] = {
    Code.REQUEST: "it does not know request {0:#04x} (another version?)",
    Code.MODEL: "it holds {0} models, not so many",
    Code.RANGE: "the data does not fit: it takes {0} bytes",
    Code.ORDER: "a step out of its turn",
    Code.FAILED: "its model failed with status {1}",
    Code.LAYERS: "it is out of memory: the model has more than the {0} layers that it has room for",
}
_ARENA_TOO_SMALL = -1
"""QE_ERR_ARENA of qe_types.h."""


def explain(refusal: Refusal) -> str:
    """Say why a device refuses; never with GAP or SESSION, which the client settles."""
    status = signed(refusal.detail)
    if refusal.code == Code.FAILED and status == _ARENA_TOO_SMALL:
        return "it is out of memory: its arena is too small for the model"
    reason = _REASONS.get(refusal.code, f"for reason {refusal.code} ({{0}})")
    return reason.format(refusal.detail, status)


def signed(value: int) -> int:
    """Read 32 bits as two's complement."""
    return value - (value >> 31 << 32)


def parse(body: bytes) -> tuple[Header, Answer] | None:
    """Read an answer; None if it is none that this version knows."""
    if len(body) < HEADER.size:
        return None
    header = Header(*HEADER.unpack_from(body))
    reader = _READERS.get(header.type)
    if reader is None:
        return None
    try:
        return header, reader(_Fields(body[HEADER.size :]))
    except (struct.error, UnicodeDecodeError):
        return None


def parse_record(data: bytes, layers: int, ticks: bool) -> Record:
    """Take a record apart; `data` is as long as `record_bytes` says."""
    fields = _Fields(data)
    input_hash, total, stack_bytes, guard_layer, guard_at = fields.take(RECORD_HEAD.format)
    escape = None if guard_layer == NO_LAYER else (guard_layer, signed(guard_at))
    hashes = fields.take(f"<{layers}I")
    layer_ticks = fields.take(f"<{layers}I") if ticks else ()
    return Record(input_hash, total, stack_bytes, escape, hashes, layer_ticks, fields.rest())


def pack_record(record: Record) -> bytes:
    """Put a record together: the inverse of `parse_record`."""
    guard_layer, guard_at = record.escape or (NO_LAYER, 0)
    head = (record.input_hash, record.ticks, record.stack_bytes, guard_layer, guard_at & 0xFFFFFFFF)
    numbers = (*record.layer_hashes, *record.layer_ticks)
    return RECORD_HEAD.pack(*head) + struct.pack(f"<{len(numbers)}I", *numbers) + record.outputs


def record_bytes(model: Model, ticks: bool) -> int:
    """Size of a record of `model`."""
    return RECORD_HEAD.size + 4 * model.layers * (2 if ticks else 1) + sum(model.outputs)


class _Fields:
    """Take fields off the front of a message; `struct.error` where it is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def raw(self, count: int) -> bytes:
        (value,) = struct.unpack_from(f"{count}s", self._data, self._at)
        self._at += count
        return bytes(value)

    def text(self) -> str:
        return self.raw(self.take("B")[0]).decode()

    def rest(self) -> bytes:
        return self._data[self._at :]


def _info(fields: _Fields) -> Info:
    (version,) = fields.take("<H")
    if version != VERSION:  # what follows has a layout that we do not know
        return Info(version, 0, 0, Capability(0), 0, 1, 0, "", "")
    frame_bytes, window, capabilities, numerator, denominator, models = fields.take("<HIIIIB")
    flags = Capability(capabilities)
    unit, firmware = fields.text(), fields.text()
    return Info(version, frame_bytes, window, flags, numerator, denominator, models, unit, firmware)


def _model(fields: _Fields) -> Model:
    digest = fields.raw(32)
    arena_bytes, layers, inputs, outputs = fields.take("<IHHH")
    input_sizes = fields.take(f"<{inputs}I")
    output_sizes = fields.take(f"<{outputs}I")
    name, export_id = fields.text(), fields.text()
    return Model(digest, arena_bytes, layers, input_sizes, output_sizes, name, export_id)


def _result(fields: _Fields) -> ResultPiece:
    sample, run, offset = fields.take("<IHI")
    return ResultPiece(sample, run, offset, fields.rest())


def _tensor(fields: _Fields) -> TensorPiece:
    sample, total, offset = fields.take("<III")
    return TensorPiece(sample, total, offset, fields.rest())


_READERS: dict[int, Callable[[_Fields], Answer]] = {
    Type.INFO: _info,
    Type.MODEL: _model,
    Type.RESULT: _result,
    Type.DONE: lambda fields: Done(*fields.take("<I")),
    Type.PONG: lambda fields: Pong(*fields.take("<I")),
    Type.TENSOR: _tensor,
    Type.ERROR: lambda fields: Refusal(*fields.take("<BI")),
}
