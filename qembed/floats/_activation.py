"""Fused activations of float layers: a clamp of the result."""

from __future__ import annotations

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray
from qembed.numerics import ACTIVATION_LIMITS


def require_known(activation: str) -> None:
    """Refuse an activation that is not among `ACTIVATION_LIMITS`."""
    if activation not in ACTIVATION_LIMITS:
        raise ModelError(f"activation '{activation}' is none of {', '.join(ACTIVATION_LIMITS)}")


def activate(y: AnyArray, activation: str) -> AnyArray:
    """Clamp `y` in place and return it."""
    low, high = ACTIVATION_LIMITS[activation]
    if low is not None or high is not None:
        np.clip(y, low, high, out=y)
    return y
