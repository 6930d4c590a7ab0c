"""Results as JSON: one object with a schema number. docs/cli.md lists the fields."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = 1


def document(command: str, result: Any) -> dict[str, Any]:
    """Return the JSON document of a result, a dataclass instance or a mapping."""
    fields: dict[str, Any] = plain(result)
    return {"schema": SCHEMA, "command": command, **fields}


def plain(value: Any) -> Any:
    """Return a value as JSON has it. Bytes are hexadecimal; what is not a finite number is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    return value
