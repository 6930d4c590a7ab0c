"""CONV_2D: a matrix product on tensor cores; 16-bit activations in plain loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops import _windows
from qembed.backends.gpu.ops._scales import clamp, scales
from qembed.ir import Tensor
from qembed.ops.conv import Conv

K_STEP = 32
"""Bytes that a tensor core multiplies at once."""
TILE = 8
MAX_TILES = 8
ROWS = 16
PIXELS, WINDOWS, BYTES = range(3)
"""`enum RowKind`."""


def lower(params: Conv, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Launch]:
    """Kernels of one node."""
    (x,), (y,) = inputs, outputs
    if x.dtype == "int8" and params.requantization.rounding != "wide":
        return [matrix(params, x, y)]
    kh, kw, group_in = params.weights.shape[1:]
    values = {
        **_windows.images(x, y),
        **_windows.pair("kernel", (kh, kw)),
        **_windows.pair("stride", params.stride),
        **_windows.pair("dilation", params.dilation),
        **_windows.corner(params.padding),
        "group_in": group_in,
        "group_out": y.shape[3] // (x.shape[3] // group_in),
        "weights": params.weights,
        **direct(params),
    }
    return [Launch(f"conv_direct_{x.dtype}", "DirectConv", values, math.prod(y.shape))]


def direct(params: Any) -> dict[str, Any]:
    """Values that kernels without tensor cores share."""
    return {
        "input_zero_point": params.input_zero_point,
        "bias": params.bias.astype(np.int64),
        "by": scales(params.requantization),
        "to": clamp(params.activation_range, params.output_zero_point),
    }


def folded_bias(params: Any, rows: NDArray[np.int8]) -> NDArray[np.int32]:
    """Bias less what the zero point adds to every sum, modulo 2**32; `rows`: (O, K) weights."""
    share = rows.sum(axis=1, dtype=np.int64) * params.input_zero_point
    folded: NDArray[np.int32] = (params.bias.astype(np.int64) - share).astype(np.int32)
    return folded


def matrix(params: Conv, x: Tensor, y: Tensor) -> Launch:
    """Return the product of windows and weights, int8."""
    out_c, kh, kw, group_in = params.weights.shape
    groups = x.shape[3] // group_in
    rows = params.weights.reshape(out_c, -1)
    packed, k_steps, tiles, blocks = pack(rows.reshape(groups, out_c // groups, -1))
    by_words = group_in % 4 == 0
    is_pixel = by_words and (kh, kw) == (1, 1) and params.padding == ((0, 0), (0, 0))
    step = 4 if by_words else 1
    values = {
        **_windows.images(x, y),
        **_windows.pair("stride", params.stride),
        **_windows.corner(params.padding),
        "groups": groups,
        "group_in": group_in,
        "group_out": out_c // groups,
        "k_steps": k_steps,
        "tiles": tiles,
        "blocks": blocks,
        "row_kind": PIXELS if is_pixel else WINDOWS if by_words else BYTES,
        "padding": _windows.in_all_bytes(params.input_zero_point),
        "weights": packed,
        "bias": folded_bias(params, rows),
        "taps": None
        if is_pixel
        else _windows.taps((kh, kw, group_in), params.dilation, x, step, k_steps * K_STEP // step),
        "by": scales(params.requantization),
        "to": clamp(params.activation_range, params.output_zero_point),
    }
    warps = groups * blocks * -(-math.prod(y.shape[:3]) // ROWS)
    return Launch("conv_matrix", "Conv", values, warps * 32)


def pack(weights: NDArray[np.int8]) -> tuple[NDArray[np.int8], int, int, int]:
    """Weights (groups, O, K) in the order in which a warp's threads read them.

    A block of columns has `tiles` tiles of 8. Its channel ``2 * tiles * t + 2 * j + i`` is column
    ``2 * t + i`` of tile j, so that thread t of a row, which gets columns 2t and 2t + 1 of each
    tile, has neighbouring channels. Lane ``4 * column + t`` holds bytes 4t to 4t + 3 of both halves
    of a K step.

    Returns
    -------
    packed, k_steps, tiles, blocks
        `packed`: (groups, blocks, k_steps, tiles, lane, byte).
    """
    groups, channels, depth = weights.shape
    k_steps = -(-depth // K_STEP)
    count = -(-channels // TILE)
    blocks = -(-count // MAX_TILES)
    tiles = -(-count // blocks)
    tiles += tiles % 2
    padded = np.zeros((groups, blocks * tiles * TILE, k_steps * K_STEP), np.int8)
    padded[:, :channels, :depth] = weights
    # group, block, t of the channel, tile, i, k step, half, t of the byte, byte
    split = padded.reshape(groups, blocks, 4, tiles, 2, k_steps, 2, 4, 4)
    packed = split.transpose(0, 1, 5, 3, 2, 4, 7, 6, 8)
    return packed.reshape(groups, blocks, k_steps, tiles, 32, 8), k_steps, tiles, blocks
