"""Why a layer is wrong: candidates are run on the desk until one gives the board's bytes.

A cause is named only if it explains every observed byte of the layer, the right ones as well as the
wrong ones, on every sample at hand. Several may do so; they come in the order of `RULES`, the
likeliest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.errors import QembedError
from qembed.ir import AnyArray, Graph, Node
from qembed.ops import OPERATORS, _windows
from qembed.verify.layers import ReportedLayer, stored
from qembed.verify.report import Cause

MAX_CAUSES = 5
MAX_CHANNELS = 4
"""Wrong channels in which single weights are searched; more of them have another cause."""
MAX_SEARCH = 4_000_000
"""Products of window positions and taps for which every value of every weight is tried."""
MOST_KNOWN = 0.5
"""Part of a layer that a cause must explain if the rest depends on unknown bytes."""
UNKNOWN = (0, 0x7F, 0x85)
"""Bytes that are tried for those that nobody knows."""
MAX_SHIFT = 64
"""Bytes by which a buffer is tried to be displaced."""
FEWEST_SHIFTED = 16
"""Bytes that must agree at another place before a buffer counts as displaced."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One inference.

    Attributes
    ----------
    inputs : tuple of ndarray
        Of the node, constants included.
    right, got : ndarray
        By the reference, and from the board; of the tensor's shape.
    before : ndarray, optional
        What the reference gives for the sample that ran before on the board.
    others : dict of int to ndarray
        All right tensors of this inference, by index.
    """

    inputs: tuple[AnyArray, ...]
    right: AnyArray
    got: AnyArray
    before: AnyArray | None
    others: dict[int, AnyArray]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of a wrong layer; at least one case is wrong."""

    graph: Graph
    layer: ReportedLayer
    cases: tuple[Case, ...]

    @property
    def node(self) -> Node:
        """The layer's node."""
        return self.graph.nodes[self.layer.node]

    @property
    def params(self) -> Any:
        """The node's parameters."""
        return self.node.params

    def lying(self, array: AnyArray) -> NDArray[np.uint8]:
        """Bytes of the tensor as they lie in the arena."""
        return stored(array[np.newaxis], self.graph, self.layer).view(np.uint8).reshape(-1)


Rule = Callable[[Evidence], Iterator[Cause]]


def diagnose(evidence: Evidence) -> tuple[Cause, ...]:
    """Return what explains the evidence, the likeliest first; empty if nothing does."""
    causes: list[Cause] = []
    for rule in RULES:
        for cause in rule(evidence):
            if cause not in causes:
                causes.append(cause)
        if len(causes) >= MAX_CAUSES:
            break
    return tuple(causes[:MAX_CAUSES])


def describe_pattern(right: AnyArray, got: AnyArray) -> str:
    """Say which elements are wrong, in the shortest true words."""
    wrong = right != got
    count = int(wrong.sum())
    if count in (0, wrong.size):
        return "every element" if count else "no element"
    if count == 1:
        return "one element"
    names = (
        ("n", "y", "x", "c") if wrong.ndim == 4 else tuple(f"axis {i}" for i in range(wrong.ndim))
    )
    for axis in reversed(range(wrong.ndim)):
        rest = tuple(i for i in range(wrong.ndim) if i != axis)
        hit = np.flatnonzero(wrong.any(axis=rest))
        if wrong.shape[axis] > 1 and len(hit) <= max(1, wrong.shape[axis] // 4):
            return f"only {names[axis]} = {', '.join(map(str, hit[:8]))}"
    if wrong.ndim == 4 and min(wrong.shape[1:3]) > 2 and not wrong[:, 1:-1, 1:-1].any():
        return "only pixels at the border"
    flat = np.flatnonzero(wrong)
    if flat[-1] + 1 - flat[0] == count:
        return f"one run of {count} elements"
    return "scattered"


# ---- helpers -----------------------------------------------------------------------------------


def _explains(evidence: Evidence, compute: Callable[[Case], AnyArray | None]) -> bool:
    for case in evidence.cases:
        try:
            result = compute(case)
        except (QembedError, ValueError, IndexError, OverflowError, ZeroDivisionError):
            return False
        if result is None or result.shape != case.got.shape or not np.array_equal(result, case.got):
            return False
    return True


def _explains_where_known(
    evidence: Evidence, variants: Sequence[Callable[[Case], AnyArray | None]]
) -> bool:
    """Explain all elements that do not depend on bytes nobody knows; these must be most of them.

    The variants fill in different bytes for the unknown ones.
    """
    for case in evidence.cases:
        first, *others = (compute(case) for compute in variants)
        if first is None or first.shape != case.got.shape:
            return False
        known = np.ones(first.shape, bool)
        for other in others:
            known &= first == other
        if known.mean() < MOST_KNOWN or np.any(known & (first != case.got)):
            return False
    return True


def _displaced(array: AnyArray, step: int, fill: int) -> AnyArray:
    """Read an array `step` bytes behind its place; what lies beyond it is `fill`."""
    data = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    moved = np.full_like(data, fill)
    if step > 0:
        moved[:-step] = data[step:]
    else:
        moved[-step:] = data[:step]
    return moved.view(array.dtype).reshape(array.shape)


def _with(evidence: Evidence, **changes: Any) -> Callable[[Case], AnyArray | None]:
    """Compute the layer with other parameters."""
    params = replace(evidence.params, **changes)
    reference = OPERATORS[evidence.node.op].reference
    return lambda case: _only(evidence, reference(params, *case.inputs))


def _on(
    evidence: Evidence, change: Callable[[AnyArray], AnyArray], **changes: Any
) -> Callable[[Case], AnyArray | None]:
    """Compute the layer from a changed first input."""
    params = replace(evidence.params, **changes) if changes else evidence.params
    reference = OPERATORS[evidence.node.op].reference
    return lambda case: _only(evidence, reference(params, change(case.inputs[0]), *case.inputs[1:]))


def _only(evidence: Evidence, result: Any) -> AnyArray:
    outputs: tuple[AnyArray, ...] = result if isinstance(result, tuple) else (result,)
    return outputs[evidence.node.outputs.index(evidence.layer.tensor)]


def _has(evidence: Evidence, *names: str) -> bool:
    known = {field.name for field in fields(evidence.params)}
    return known.issuperset(names)


def _sums(evidence: Evidence) -> bool:
    """Tell whether the operator sums products and requantizes them."""
    return OPERATORS[evidence.node.op].accumulate is not None and _has(
        evidence, "weights", "bias", "requantization", "output_zero_point", "activation_range"
    )


def _from_sums(
    evidence: Evidence, finish: Callable[[NDArray[np.int64]], AnyArray]
) -> Callable[[Case], AnyArray | None]:
    """Compute the layer's exact sums, and from them the output in another way."""
    accumulate = OPERATORS[evidence.node.op].accumulate
    assert accumulate is not None
    return lambda case: finish(accumulate(evidence.params, *case.inputs)).astype(case.got.dtype)


# ---- arithmetic --------------------------------------------------------------------------------


def _rounding(evidence: Evidence) -> Iterator[Cause]:
    """Another rounding, wherever the parameters state one."""
    names = [f.name for f in fields(evidence.params)]
    scales = {
        name: value
        for name in names
        if isinstance(value := getattr(evidence.params, name), Requantization)
    }
    for rounding in ("single", "double"):
        changes = {
            name: replace(value, rounding=rounding)
            for name, value in scales.items()
            if value.rounding in ("single", "double") and value.rounding != rounding
        }
        if changes and _explains(evidence, _with(evidence, **changes)):
            current = next(iter(scales.values())).rounding
            yield Cause(
                "rounding", f"requantization rounds {_ROUNDS[rounding]}, not {_ROUNDS[current]}"
            )
    if _sums(evidence):
        yield from _other_requantizations(evidence)


_ROUNDS = {"single": "once", "double": "twice", "wide": "once, with a 16-bit multiplier"}


def _other_requantizations(evidence: Evidence) -> Iterator[Cause]:
    params = evidence.params
    by: Requantization = params.requantization
    multiplier, shift = by.multiplier.astype(np.int64), by.shift.astype(np.int64)
    real = multiplier * 2.0 ** (shift.astype(np.float64) - 31)

    def clamped(scaled: AnyArray) -> AnyArray:
        output: AnyArray = np.clip(scaled + params.output_zero_point, *params.activation_range)
        return output

    ways: list[tuple[str, Callable[[NDArray[np.int64]], AnyArray]]] = [
        ("cuts off instead of rounding", lambda acc: (acc * multiplier) >> (31 - shift)),
        (
            "cuts off towards zero instead of rounding",
            lambda acc: np.trunc(acc * real).astype(np.int64),
        ),
        ("rounds in floating point, ties to even", lambda acc: np.rint(acc * real).astype(int)),
        (
            "rounds in floating point, ties away from zero",
            lambda acc: (np.sign(acc) * np.floor(np.abs(acc * real) + 0.5)).astype(np.int64),
        ),
        (
            "shifts right without rounding the second time",
            lambda acc: (
                ((acc << np.maximum(shift, 0)) * multiplier + (1 << 30) >> 31)
                >> np.maximum(-shift, 0)
            ),
        ),
        (
            "rounds ties of the second shift upwards instead of away from zero",
            lambda acc: _shift_up(
                (acc << np.maximum(shift, 0)) * multiplier + (1 << 30) >> 31, np.maximum(-shift, 0)
            ),
        ),
    ]
    for text, scale in ways:
        if _explains(evidence, _from_sums(evidence, lambda acc, s=scale: clamped(s(acc)))):  # type: ignore[misc]
            yield Cause("rounding", f"requantization {text}")


def _shift_up(x: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    return (x + np.where(right > 0, 1 << np.maximum(right - 1, 0), 0)) >> right


def _saturation(evidence: Evidence) -> Iterator[Cause]:
    if not _has(evidence, "activation_range"):
        return
    limits = np.iinfo(evidence.cases[0].got.dtype)
    full = (int(limits.min), int(limits.max))
    if evidence.params.activation_range != full and _explains(
        evidence, _with(evidence, activation_range=full)
    ):
        yield Cause("saturation", "the activation clamp is missing")
    wide = (-(1 << 31), (1 << 31) - 1)
    if _sums(evidence):
        by, zero = evidence.params.requantization, evidence.params.output_zero_point
        if _explains(evidence, _from_sums(evidence, lambda acc: requantize(acc, by) + zero)):
            yield Cause("saturation", "the output wraps around instead of saturating")
        low, high = evidence.params.activation_range
        if _explains(
            evidence,
            _from_sums(evidence, lambda acc: np.clip(requantize(acc, by), low, high) + zero),
        ):
            yield Cause("saturation", "the clamp comes before the zero point is added")
        if _explains(
            evidence,
            _from_sums(
                evidence,
                lambda acc: np.clip(
                    requantize(acc.astype(np.int16).astype(np.int64), by) + zero, low, high
                ),
            ),
        ):
            yield Cause("saturation", "the accumulator has 16 bits and wraps around")
    elif _explains(evidence, _with(evidence, activation_range=wide)):
        yield Cause("saturation", "the output wraps around instead of saturating")


def _recipe(evidence: Evidence) -> Iterator[Cause]:
    """Parameters made by another recipe: zero points, multipliers, shifts, bias."""
    for name in [f.name for f in fields(evidence.params)]:
        value = getattr(evidence.params, name)
        if name.endswith("zero_point") and isinstance(value, int):
            for other, text in ((0, "0"), (-value, f"{-value}"), (value + 1, ""), (value - 1, "")):
                if other != value and _explains(evidence, _with(evidence, **{name: other})):
                    yield Cause("parameters", f"{_words(name)} is {text or other}, not {value}")
        elif isinstance(value, Requantization):
            yield from _requantization_recipes(evidence, name, value)
    if _has(evidence, "bias"):
        bias = evidence.params.bias
        for other, text in (
            (np.zeros_like(bias), "the bias is missing"),
            (np.roll(bias, 1), "the bias is shifted by one channel"),
            (np.roll(bias, -1), "the bias is shifted by one channel"),
            (bias[::-1].copy(), "the bias is in the opposite order"),
            (np.full_like(bias, bias[0]), "every channel has the bias of the first"),
        ):
            if _explains(evidence, _with(evidence, bias=other)):
                yield Cause("parameters", text)


def _requantization_recipes(
    evidence: Evidence, name: str, value: Requantization
) -> Iterator[Cause]:
    multiplier, shift = value.multiplier, value.shift
    ways = [
        (f"{_words(name)}: every multiplier is {step:+d}", multiplier + np.int32(step), shift)
        for step in (1, -1)
    ]
    ways += [
        (f"{_words(name)}: every shift is {step:+d}", multiplier, shift + np.int32(step))
        for step in (1, -1)
    ]
    ways += [
        (
            f"{_words(name)}: every channel has the scale of the first",
            np.full_like(multiplier, multiplier[0]),
            np.full_like(shift, shift[0]),
        ),
        (
            f"{_words(name)}: the scales are shifted by one channel",
            np.roll(multiplier, 1),
            np.roll(shift, 1),
        ),
        (
            f"{_words(name)}: the scales are shifted by one channel",
            np.roll(multiplier, -1),
            np.roll(shift, -1),
        ),
        (f"{_words(name)}: multipliers of 16 bits", multiplier & np.int32(-65536), shift),
        (
            f"{_words(name)}: multipliers rounded to 24 bits, those of a float32",
            (multiplier.astype(np.int64) + 64 & ~127).clip(0, (1 << 31) - 1).astype(np.int32),
            shift,
        ),
    ]
    for text, new_multiplier, new_shift in ways:
        other = replace(value, multiplier=new_multiplier, shift=new_shift)
        if _explains(evidence, _with(evidence, **{name: other})):
            yield Cause("parameters", text)


def _words(name: str) -> str:
    return name.replace("_", " ")


# ---- geometry ----------------------------------------------------------------------------------


def _padding(evidence: Evidence) -> Iterator[Cause]:
    if not _has(evidence, "padding"):
        return
    padding = evidence.params.padding
    if any(edge for axis in padding for edge in axis):
        none = ((0, 0), (0, 0))
        for value, text in ((0, "0"), (-128, "-128"), (127, "127"), (-1, "-1")):
            change = _padder(padding, value)
            if _explains(evidence, _on(evidence, change, padding=none)):
                yield Cause("padding", f"padded with {text} instead of the zero point")
        for mode in ("edge", "reflect"):
            change = _padder(padding, mode)
            if _explains(evidence, _on(evidence, change, padding=none)):
                yield Cause("padding", f"padded with the {mode} of the image")
    (top, bottom), (left, right) = padding
    others = [
        (((bottom, top), (right, left)), "the odd pixel of the padding is on the other side"),
        (((left, right), (top, bottom)), "vertical and horizontal padding are exchanged"),
    ]
    for step in (-1, 1):
        down = ((top + step, bottom - step), (left, right))
        across = ((top, bottom), (left + step, right - step))
        both = (down[0], across[1])
        for other in (down, across, both):
            if min(other[0] + other[1]) >= 0:
                words = f"{other[0][0]} rows at the top and {other[1][0]} columns at the left"
                others.append((other, f"the padding is {words}, not {top} and {left}"))
    for other, text in others:
        if other != padding and _explains(evidence, _with(evidence, padding=other)):
            yield Cause("padding", text)


def _padder(padding: Any, value: int | str) -> Callable[[AnyArray], AnyArray]:
    widths = ((0, 0), *padding, (0, 0))
    if isinstance(value, str):
        return lambda x: np.pad(x, widths, mode=value)  # type: ignore[call-overload]
    return lambda x: np.pad(x, widths, constant_values=value)


def _weight_order(evidence: Evidence) -> Iterator[Cause]:
    if not _has(evidence, "weights"):
        return
    weights = evidence.params.weights
    image = {"conv": (1, 2), "depthwise_conv": (0, 1)}.get(evidence.node.op)
    channel = {"conv": 0, "depthwise_conv": 2, "fully_connected": 0}.get(evidence.node.op)
    ways: list[tuple[str, AnyArray]] = []
    if image:
        ways.append(("the filter is turned by 180 degrees", np.flip(weights, image)))
        if weights.shape[image[0]] == weights.shape[image[1]]:
            ways.append(("rows and columns of the filter are exchanged", weights.swapaxes(*image)))
    if channel is not None:
        ways.append(("the weights' channels are reversed", np.flip(weights, channel)))
        ways += [
            ("the weights are shifted by one channel", np.roll(weights, step, channel))
            for step in (1, -1)
        ]
    ways += [
        (f"the weights are shifted by {abs(step)} bytes", _rolled(weights, step))
        for step in (1, -1, 2, -2, 4, -4)
    ]
    for text, other in ways:
        if _explains(evidence, _with(evidence, weights=np.ascontiguousarray(other))):
            yield Cause("weights", text)


def _rolled(array: AnyArray, step: int) -> AnyArray:
    return np.roll(array.reshape(-1), step).reshape(array.shape)


def _input_order(evidence: Evidence) -> Iterator[Cause]:
    """Try an input that is read in the wrong way by a layer that computes rightly."""
    ways: list[tuple[str, str, Callable[[AnyArray], AnyArray]]] = [
        ("input", "the input is read as unsigned", lambda x: x ^ np.array(-128, x.dtype)),
        ("input", "the input's channels are reversed", lambda x: np.flip(x, -1)),
        ("layout", "the input is read plane by plane, but lies pixel by pixel", _as_planes),
        ("layout", "the input is read pixel by pixel, but lies plane by plane", _as_pixels),
        ("layout", "rows and columns of the input are exchanged", lambda x: x.swapaxes(1, 2)),
    ]
    for kind, text, change in ways:
        if _explains(evidence, _on(evidence, change)):
            yield Cause(kind, text)
    for step in (1, -1, 2, -2, 3, -3, 4, -4):
        if _explains_where_known(
            evidence, [_on(evidence, partial(_displaced, step=step, fill=f)) for f in UNKNOWN]
        ):
            yield Cause("buffer", f"the input is read {step:+d} bytes beside its place")
    if len(evidence.node.inputs) > 1:
        reference = OPERATORS[evidence.node.op].reference
        if _explains(
            evidence, lambda case: _only(evidence, reference(evidence.params, *case.inputs[::-1]))
        ):
            yield Cause("input", "the inputs are exchanged")


def _as_planes(x: AnyArray) -> AnyArray:
    n, h, w, c = x.shape
    return x.reshape(n, c, h, w).transpose(0, 2, 3, 1)


def _as_pixels(x: AnyArray) -> AnyArray:
    return x.transpose(0, 3, 1, 2).reshape(x.shape)


# ---- single wrong numbers ----------------------------------------------------------------------


def _single_numbers(evidence: Evidence) -> Iterator[Cause]:
    """One byte of one constant is wrong: search weights, biases, multipliers of wrong channels."""
    if not _sums(evidence) or evidence.params.requantization.rounding == "wide":
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
        yield Cause("weights", "; ".join(causes[0].text for causes in found))
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
    yield from _wrong_weight(evidence, channel, sums, got, finish)
    bias = int(params.bias[channel])
    for bit in range(32):
        flipped = _signed(bias ^ 1 << bit)
        if np.array_equal(finish(sums + flipped - bias), got):
            yield Cause("weights", f"bias[{channel}] is {flipped}, not {bias}: bit {bit} is wrong")
    if np.array_equal(finish(sums - bias), got):
        yield Cause("weights", f"bias[{channel}] is 0, not {bias}")
    for name, number, bit, by in _flipped_scales(params, channel):
        if np.array_equal(_channel_finish(replace(params, requantization=by), channel)(sums), got):
            yield Cause("weights", f"{name}[{channel}] is {number}: bit {bit} is wrong")


def _channel_finish(params: Any, channel: int) -> Callable[[NDArray[np.int64]], AnyArray]:
    by: Requantization = params.requantization
    at = channel if len(by.multiplier) > 1 else 0
    one = replace(by, multiplier=by.multiplier[at : at + 1], shift=by.shift[at : at + 1])

    def finish(sums: NDArray[np.int64]) -> AnyArray:
        scaled = requantize(sums[..., np.newaxis], one)[..., 0] + params.output_zero_point
        output: AnyArray = np.clip(scaled, *params.activation_range)
        return output

    return finish


def _flipped_scales(params: Any, channel: int) -> Iterator[tuple[str, int, int, Requantization]]:
    by: Requantization = params.requantization
    at = channel if len(by.multiplier) > 1 else 0
    for bit in range(31):
        multiplier = by.multiplier.copy()
        multiplier[at] = _signed(int(multiplier[at]) ^ 1 << bit)
        yield "multiplier", int(multiplier[at]), bit, replace(by, multiplier=multiplier)
    for bit in range(5):
        shift = by.shift.copy()
        shift[at] = _signed(int(shift[at]) ^ 1 << bit)
        yield "shift", int(shift[at]), bit, replace(by, shift=shift)


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (value >> 31 << 32)


def _wrong_weight(
    evidence: Evidence,
    channel: int,
    sums: NDArray[np.int64],
    got: AnyArray,
    finish: Callable[[NDArray[np.int64]], AnyArray],
) -> Iterator[Cause]:
    taps = np.concatenate([_taps(evidence, case, channel) for case in evidence.cases])
    weights, index_of = _channel_weights(evidence, channel)
    suspects = np.flatnonzero(finish(sums) != got)[:8]  # enough to rule nearly all out
    exhaustive = taps.size <= MAX_SEARCH
    found: list[tuple[int, int]] = []
    for code in range(256 if exhaustive else 0):
        change = np.int64(code - 256 * (code > 127)) - weights
        rough = finish(sums[suspects, None] + change * taps[suspects]) == got[suspects, None]
        for k in np.flatnonzero(rough.all(axis=0) & (change != 0)).tolist():
            if np.array_equal(finish(sums + change[k] * taps[:, k]), got):
                found.append((k, int(weights[k] + change[k])))
    found.sort(key=lambda pair: ((pair[1] ^ int(weights[pair[0]])) & 255).bit_count())
    for k, value in found[:2]:
        right = int(weights[k])
        differing = (value ^ right) & 255
        bits = [bit for bit in range(8) if differing >> bit & 1]
        which = f": bit {bits[0]} is wrong" if len(bits) == 1 else ""
        index = index_of(k)
        flat = int(np.ravel_multi_index(index, evidence.params.weights.shape))
        yield Cause(
            "weights",
            f"weights[{', '.join(map(str, index))}] is {value}, not {right}{which}"
            f" (byte {flat} of the weights in the model's order)",
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


# ---- byte order and alignment of constants -----------------------------------------------------


def _constant_bytes(evidence: Evidence) -> Iterator[Cause]:
    if not _has(evidence, "bias", "requantization"):
        return
    by, bias = evidence.params.requantization, evidence.params.bias
    swapped = {
        "bias": bias.byteswap(),
        "requantization": replace(by, multiplier=by.multiplier.byteswap()),
    }
    for names in (("bias",), ("requantization",), ("bias", "requantization")):
        changes = {name: swapped[name] for name in names}
        if _explains(evidence, _with(evidence, **changes)):
            text = " and ".join("multipliers" if n != "bias" else "biases" for n in names)
            yield Cause("endianness", f"{text}: their bytes are in the opposite order")
    for step in (1, 2, 3, -1, -2, -3):
        beside = f"read {step:+d} bytes beside their place"
        biases = [_with(evidence, bias=_displaced(bias, step, f)) for f in UNKNOWN]
        if _explains_where_known(evidence, biases):
            yield Cause("alignment", f"the biases are {beside}")
        scales = [replace(by, multiplier=_displaced(by.multiplier, step, f)) for f in UNKNOWN]
        if _explains_where_known(evidence, [_with(evidence, requantization=s) for s in scales]):
            yield Cause("alignment", f"the multipliers are {beside}")


# ---- the output buffer -------------------------------------------------------------------------


def _output_buffer(evidence: Evidence) -> Iterator[Cause]:
    got = [evidence.lying(case.got) for case in evidence.cases]
    right = [evidence.lying(case.right) for case in evidence.cases]
    width = evidence.cases[0].got.dtype.itemsize
    if all(
        case.before is not None and np.array_equal(case.got, case.before) for case in evidence.cases
    ):
        yield Cause("stale", "the output is that of the sample before")
    if all(len(np.unique(g)) == 1 for g in got) and got[0].size > 4:
        yield Cause("stale", f"the output is never written: every byte is {int(got[0][0])}")
    if width > 1 and all(
        np.array_equal(g.reshape(-1, width)[:, ::-1], r.reshape(-1, width))
        for g, r in zip(got, right, strict=True)
    ):
        yield Cause("endianness", "the output's bytes are in the opposite order")
    yield from _shifted(got, right)
    yield from _permuted(evidence)
    for position in range(len(evidence.node.inputs)):
        if all(_starts_with(case, position) for case in evidence.cases):
            yield Cause("stale", f"the layer did not run: the output holds its input {position}")
    yield from _overwritten(evidence, got, right)


def _shifted(got: Sequence[AnyArray], right: Sequence[AnyArray]) -> Iterator[Cause]:
    size = got[0].size
    for step in sorted(range(-MAX_SHIFT, MAX_SHIFT + 1), key=abs):
        if step == 0 or size - abs(step) < FEWEST_SHIFTED:
            continue
        pairs = [
            (g[step:], r[: size - step]) if step > 0 else (g[:step], r[-step:])
            for g, r in zip(got, right, strict=True)
        ]
        if all(np.array_equal(g, r) and len(np.unique(r)) > 1 for g, r in pairs):
            yield Cause("buffer", f"the output lies {step:+d} bytes beside its place")
            return


def _permuted(evidence: Evidence) -> Iterator[Cause]:
    channels = evidence.cases[0].got.shape[-1] if evidence.cases[0].got.ndim else 1
    if channels < 2 or evidence.cases[0].got.size == channels:
        return
    got = np.concatenate([case.got.reshape(-1, channels) for case in evidence.cases])
    right = np.concatenate([case.right.reshape(-1, channels) for case in evidence.cases])
    order: list[int] = []
    for c in range(channels):
        same = [k for k in range(channels) if np.array_equal(got[:, c], right[:, k])]
        if not same:
            return
        order.append(c if c in same else same[0])
    moved = [c for c in range(channels) if order[c] != c]
    if moved:
        text = ", ".join(f"{c} holds {order[c]}" for c in moved[:4])
        more = f" and {len(moved) - 4} more" if len(moved) > 4 else ""
        yield Cause("channels", f"output channels are exchanged: {text}{more}")


def _starts_with(case: Case, position: int) -> bool:
    source = case.inputs[position]
    return (
        source.nbytes >= case.got.nbytes
        and source.tobytes()[: case.got.nbytes] == case.got.tobytes()
    )


def _overwritten(
    evidence: Evidence, got: Sequence[AnyArray], right: Sequence[AnyArray]
) -> Iterator[Cause]:
    """Find one run of wrong bytes, the same in every case: another buffer lies there."""
    wrong = np.any([g != r for g, r in zip(got, right, strict=True)], axis=0)
    places = np.flatnonzero(wrong)
    first, end = int(places[0]), int(places[-1]) + 1
    if end - first > max(4, wrong.size * 3 // 4):
        return
    where = f"bytes {first} to {end - 1} of {wrong.size}"
    for index in evidence.cases[0].others:
        if index != evidence.layer.tensor and all(
            _holds(case.others[index], g[first:end])
            for case, g in zip(evidence.cases, got, strict=True)
        ):
            name = evidence.graph.tensors[index].name
            yield Cause("overlap", f"{where} hold a part of tensor '{name}': the buffers overlap")
            return
    filled = wrong[first:end].mean()
    if end - first >= 4 and filled > 0.5:
        yield Cause("overlap", f"{where} are overwritten, or never written")


def _holds(array: AnyArray, piece: AnyArray) -> bool:
    return piece.size >= 8 and len(np.unique(piece)) > 2 and piece.tobytes() in array.tobytes()


RULES: tuple[Rule, ...] = (
    _rounding,
    _saturation,
    _padding,
    _recipe,
    _output_buffer,
    _single_numbers,
    _constant_bytes,
    _weight_order,
    _input_order,
)
