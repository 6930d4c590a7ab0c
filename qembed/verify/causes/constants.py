"""Wrong constants: single numbers, or all of them in another byte order or beside their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.ir import AnyArray
from qembed.ops import OPERATORS, _windows
from qembed.verify.causes.evidence import (
    UNKNOWN,
    Case,
    Evidence,
    displaced,
    explains,
    explains_where_known,
    has,
    sums_products,
    with_params,
)
from qembed.verify.report import Cause, Constant

MAX_CHANNELS = 4
"""Wrong channels in which single weights are searched; more of them have another cause."""
MAX_SEARCH = 4_000_000
"""Products of window positions and taps for which every value of every weight is tried."""

OFFSET_OF_PAIRS = -127
"""What the kernels for the DSP extension add to an input to pair it: docs/kernels-cortex-m4.md."""


def single_numbers(evidence: Evidence) -> Iterator[Cause]:
    """One byte of one constant is wrong: search weights, biases, multipliers of wrong channels."""
    if not sums_products(evidence) or evidence.params.requantization.rounding == "wide":
        return
    wrong = np.zeros(evidence.cases[0].got.shape[-1], bool)
    for case in evidence.cases:
        wrong |= (case.right != case.got).reshape(-1, wrong.size).any(axis=0)
    channels = np.flatnonzero(wrong)
    if not 1 <= len(channels) <= MAX_CHANNELS:
        return
    found = [list(_channel_numbers(evidence, int(channel))) for channel in channels]
    if len(found) == 1:
        yield from found[0]
    elif all(found):
        best = [causes[0] for causes in found]
        constants = tuple(constant for cause in best for constant in cause.constants)
        yield Cause("weights", "; ".join(cause.text for cause in best), constants)
    else:
        yield Cause(
            "weights",
            f"constants of output channels {', '.join(map(str, channels))} are wrong",
        )


def _channel_numbers(evidence: Evidence, channel: int) -> Iterator[Cause]:
    params = evidence.params
    accumulate = OPERATORS[evidence.node.op].accumulate
    assert accumulate is not None
    sums = np.concatenate(
        [accumulate(params, *case.inputs)[..., channel].reshape(-1) for case in evidence.cases]
    )
    got = np.concatenate([case.got[..., channel].reshape(-1) for case in evidence.cases])
    finish = _channel_finish(params, channel)
    found = list(_wrong_weight(evidence, channel, sums, got, finish, 0))
    found += _wrong_bias_or_scale(params, channel, sums, got)
    yield from found
    zero = params.input_zero_point
    for offset in dict.fromkeys((zero, zero + OFFSET_OF_PAIRS)) if not found else ():
        yield from _wrong_weight(evidence, channel, sums, got, finish, offset)


def _wrong_bias_or_scale(
    params: Any, channel: int, sums: NDArray[np.int64], got: AnyArray
) -> Iterator[Cause]:
    finish = _channel_finish(params, channel)
    bias = int(params.bias[channel])
    for value, bit in (*_one_bit_off(bias, 32), (0, "")):
        if np.array_equal(finish(sums + value - bias), got):
            yield _wrong("bias", (channel,), value, f", not {bias}{bit}")
    for name, number, bit, by in _scales_one_bit_off(params, channel):
        if np.array_equal(_channel_finish(replace(params, requantization=by), channel)(sums), got):
            at = channel if len(by.multiplier) > 1 else 0
            yield _wrong(name, (at,), number, bit)


def _one_bit_off(value: int, bits: int) -> Iterator[tuple[int, str]]:
    """Yield numbers that differ by one bit of the number, or of a word that it is packed into."""
    for bit in range(bits):
        for change in (1 << bit, -1 << bit):
            other = _signed(value + change)
            flipped = (other ^ value) & 0xFFFFFFFF
            yield other, f": bit {bit} is wrong" if flipped == 1 << bit else ""


def _wrong(name: str, index: tuple[int, ...], value: int, more: str) -> Cause:
    text = f"{name}[{', '.join(map(str, index))}] is {value}{more}"
    return Cause("weights", text, (Constant(name, index, value),))


def _channel_finish(params: Any, channel: int) -> Callable[[NDArray[np.int64]], AnyArray]:
    by: Requantization = params.requantization
    at = channel if len(by.multiplier) > 1 else 0
    one = replace(by, multiplier=by.multiplier[at : at + 1], shift=by.shift[at : at + 1])

    def finish(sums: NDArray[np.int64]) -> AnyArray:
        scaled = requantize(sums[..., np.newaxis], one)[..., 0] + params.output_zero_point
        output: AnyArray = np.clip(scaled, *params.activation_range)
        return output

    return finish


def _scales_one_bit_off(
    params: Any, channel: int
) -> Iterator[tuple[str, int, str, Requantization]]:
    by: Requantization = params.requantization
    at = channel if len(by.multiplier) > 1 else 0
    for name, bits in (("multiplier", 31), ("shift", 5)):
        for value, bit in _one_bit_off(int(getattr(by, name)[at]), bits):
            numbers = getattr(by, name).copy()
            numbers[at] = value
            yield name, value, bit, replace(by, **{name: numbers})


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (value >> 31 << 32)


def _wrong_weight(
    evidence: Evidence,
    channel: int,
    sums: NDArray[np.int64],
    got: AnyArray,
    finish: Callable[[NDArray[np.int64]], AnyArray],
    offset: int,
) -> Iterator[Cause]:
    """Search one weight.

    `offset` is what a kernel adds to each input in excess of the definition, because it has folded
    the zero point into the bias.
    """
    taps = offset + np.concatenate([_taps(evidence, case, channel) for case in evidence.cases])
    if taps.size > MAX_SEARCH:
        return
    weights, index_of = _channel_weights(evidence, channel)
    suspects = np.flatnonzero(finish(sums) != got)[:8]  # enough to rule nearly all out
    found: list[tuple[int, int]] = []
    for change in _changes(weights):
        rough = finish(sums[suspects, None] + change * taps[suspects]) == got[suspects, None]
        for k in np.flatnonzero(rough.all(axis=0) & (change != 0)).tolist():
            if np.array_equal(finish(sums + change[k] * taps[:, k]), got):
                found.append((k, int(weights[k] + change[k])))
    yield from _tell(evidence, index_of, found)


def _changes(weights: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield what may be added to each weight: any other byte, or one bit of a wider word."""
    for value in range(-128, 128):
        yield value - weights
    yield np.full_like(weights, 128)
    yield np.full_like(weights, -128)


def _tell(
    evidence: Evidence, index_of: Callable[[int], tuple[int, ...]], found: list[tuple[int, int]]
) -> Iterator[Cause]:
    """Name the likeliest two: those with the fewest wrong bits."""
    weights = evidence.params.weights

    def wrong_bits(pair: tuple[int, int]) -> list[int]:
        differing = (pair[1] ^ int(weights[index_of(pair[0])])) & 255
        return [bit for bit in range(8) if differing >> bit & 1]

    for k, value in sorted(dict.fromkeys(found), key=lambda pair: len(wrong_bits(pair)))[:2]:
        bits, index = wrong_bits((k, value)), index_of(k)
        which = f": bit {bits[0]} is wrong" if len(bits) == 1 else ""
        flat = int(np.ravel_multi_index(index, weights.shape))
        yield _wrong(
            "weights",
            index,
            value,
            f", not {int(weights[index])}{which} (byte {flat} of the weights in the model's order)",
        )


def _taps(evidence: Evidence, case: Case, channel: int) -> NDArray[np.int64]:
    """Return what each weight of an output channel is multiplied with, (positions, K)."""
    params, x = evidence.params, case.inputs[0]
    if evidence.node.op == "fully_connected":
        depth = params.weights.shape[1]
        rows: NDArray[np.int64] = x.astype(np.int64).reshape(-1, depth) - params.input_zero_point
        return rows
    depthwise = evidence.node.op == "depthwise_conv"
    kh, kw = params.weights.shape[:2] if depthwise else params.weights.shape[1:3]
    size = _windows.output_size(x.shape, (kh, kw), params.stride, params.dilation, params.padding)
    real = _windows.pad(x.astype(np.int64) - params.input_zero_point, params.padding, 0)
    if depthwise:
        at = channel // (params.weights.shape[2] // x.shape[3])
        real = real[..., at : at + 1]
    else:
        depth = params.weights.shape[3]
        groups = x.shape[3] // depth
        group = channel // (params.weights.shape[0] // groups)
        real = real[..., group * depth : (group + 1) * depth]
    seen = [
        _windows.tap(real, at, size, params.stride, params.dilation) for at in np.ndindex(kh, kw)
    ]
    return np.stack(seen, axis=-2).reshape(-1, kh * kw * real.shape[-1])


def _channel_weights(
    evidence: Evidence, channel: int
) -> tuple[NDArray[np.int64], Callable[[int], tuple[int, ...]]]:
    """Weights of an output channel in the order of `_taps`, and where each of them stands."""
    weights = evidence.params.weights
    if evidence.node.op == "depthwise_conv":
        kh, kw, _ = weights.shape
        return weights[:, :, channel].reshape(-1).astype(np.int64), lambda k: (
            *(int(i) for i in np.unravel_index(k, (kh, kw))),
            channel,
        )
    inner = weights.shape[1:]
    return weights[channel].reshape(-1).astype(np.int64), lambda k: (
        channel,
        *(int(i) for i in np.unravel_index(k, inner)),
    )


def constant_bytes(evidence: Evidence) -> Iterator[Cause]:
    """Biases and multipliers that are read in the other byte order, or beside their place."""
    if not has(evidence, "bias", "requantization"):
        return
    by, bias = evidence.params.requantization, evidence.params.bias
    swapped = {
        "bias": bias.byteswap(),
        "requantization": replace(by, multiplier=by.multiplier.byteswap()),
    }
    for names in (("bias",), ("requantization",), ("bias", "requantization")):
        changes = {name: swapped[name] for name in names}
        if explains(evidence, with_params(evidence, **changes)):
            text = " and ".join("multipliers" if n != "bias" else "biases" for n in names)
            yield Cause("endianness", f"{text}: their bytes are in the opposite order")
    for step in (1, 2, 3, -1, -2, -3):
        beside = f"read {step:+d} bytes beside their place"
        biases = [with_params(evidence, bias=displaced(bias, step, f)) for f in UNKNOWN]
        if explains_where_known(evidence, biases):
            yield Cause("alignment", f"the biases are {beside}")
        scales = [replace(by, multiplier=displaced(by.multiplier, step, f)) for f in UNKNOWN]
        if explains_where_known(
            evidence, [with_params(evidence, requantization=s) for s in scales]
        ):
            yield Cause("alignment", f"the multipliers are {beside}")
