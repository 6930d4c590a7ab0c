"""Integer weights for a layer, so that its sums stay what they were.

A layer is seen as matrices: what its outputs sum, (G, rows, K), times its weights, (G, M, K). Two
things repair what rounding breaks. *Compensation* first moves the real weights so that, fed with
the quantized network's inputs, the layer gives what it gave when fed with the float network's
(least squares, drawn towards no change). *Error feedback* then rounds one input after the other and
spreads each rounding error over those not yet rounded, in the measure in which the data lets them
make up for it (the method known as GPTQ).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

DAMPING = 0.01
"""Of the second moments' diagonal, relative to its mean: small directions are not in the data."""
SHRINKS = np.linspace(0.45, 1.0, 23)
"""Fractions of the largest weight that are tried as the end of the integers."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What the data says about one group of a layer.

    Attributes
    ----------
    second : float64 ndarray, shape (K, K)
        Mean products of the quantized network's inputs.
    cross : float64 ndarray, shape (K, K)
        Mean products of (float input - quantized input) with the quantized input.
    real_mean, mean : float64 ndarray, shape (K,)
        Means of the float and of the quantized network's inputs.
    """

    second: Matrix
    cross: Matrix
    real_mean: Matrix
    mean: Matrix


def moments(real: NDArray[np.float32], quantized: NDArray[np.float32]) -> Moments:
    """Return the moments of inputs of one group, (rows, K), around their means."""
    mean = quantized.mean(0, dtype=np.float64)
    real_mean = real.mean(0, dtype=np.float64)
    centred = quantized - mean.astype(np.float32)
    off = (real - real_mean.astype(np.float32)) - centred
    rows = len(quantized)
    return Moments(
        second=(centred.T @ centred).astype(np.float64) / rows,
        cross=(off.T @ centred).astype(np.float64) / rows,
        real_mean=real_mean,
        mean=mean,
    )


def compensated(weights: Matrix, seen: Moments, strength: float = DAMPING) -> Matrix:
    """Return weights (M, K) that make up for the error of the layer's input."""
    damping = strength * float(np.mean(np.diag(seen.second))) + 1e-12
    size = len(seen.second)
    change = weights @ seen.cross
    return weights + np.linalg.solve(seen.second + damping * np.eye(size), change.T).T


def channel_scales(weights: Matrix, largest: int, by_error: bool) -> NDArray[np.float32]:
    """Return a scale for each row of weights (M, K).

    Parameters
    ----------
    largest : int
        Integers go from -largest to largest.
    by_error : bool
        True: the scale of least squared error; False: the one that reaches the largest weight.
    """
    reach = np.abs(weights).max(1)
    scale = reach / largest
    if by_error:
        least = np.full(len(weights), np.inf)
        for shrink in SHRINKS:
            tried = np.maximum(reach * shrink / largest, 1e-30)[:, None]
            rounded = np.clip(np.rint(weights / tried), -largest, largest) * tried
            error = np.square(rounded - weights).sum(1)
            better = error < least
            least[better], scale[better] = error[better], tried[better, 0]
    narrow: NDArray[np.float32] = scale.astype(np.float32)
    return narrow


def nearest(weights: Matrix, scale: NDArray[np.float32], largest: int) -> NDArray[np.int8]:
    """Round weights (M, K) to the nearest integers."""
    steps = np.rint(weights / scale.astype(np.float64)[:, None])
    return np.clip(steps, -largest, largest).astype(np.int8)


def with_feedback(
    weights: Matrix, scale: NDArray[np.float32], largest: int, seen: Moments
) -> NDArray[np.int8]:
    """Round weights (M, K) input by input, in order of falling activity, spreading the errors."""
    size = weights.shape[1]
    diagonal = np.diag(seen.second)
    damped = seen.second + np.eye(size) * (DAMPING * float(diagonal.mean()) + 1e-12)
    order = np.argsort(-diagonal, kind="stable")
    inverse = np.linalg.inv(damped[np.ix_(order, order)])
    factor = np.linalg.cholesky(inverse).T
    left = weights[:, order].copy()
    steps = scale.astype(np.float64)
    integers = np.empty(weights.shape, np.int8)
    for k in range(size):
        rounded = np.clip(np.rint(left[:, k] / steps), -largest, largest)
        integers[:, order[k]] = rounded
        error = (left[:, k] - rounded * steps) / factor[k, k]
        left[:, k + 1 :] -= error[:, None] * factor[k, k + 1 :]
    return integers
