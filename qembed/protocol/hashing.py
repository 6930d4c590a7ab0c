"""The hashes of the link: docs/architecture.md, "Layer hashes"."""

from __future__ import annotations

import numpy as np

from qembed._host import hash32
from qembed.protocol.messages import Model


def hash_bytes(data: bytes | bytearray) -> int:
    """Hash one tensor."""
    return int(hash32(np.frombuffer(data, np.uint8)[np.newaxis])[0])


def input_hash(model: Model, data: bytes) -> int:
    """Fold the hashes of a sample's inputs, in order: docs/protocol.md, section 4."""
    folded = at = 0
    for size in model.inputs:
        rotated = (folded >> 13 | folded << 19) & 0xFFFFFFFF
        folded = (rotated ^ hash_bytes(data[at : at + size])) * 0x9E3779B1 & 0xFFFFFFFF
        at += size
    return folded
