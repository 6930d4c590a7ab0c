"""Another rounding, saturation or recipe of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize
from qembed.ir import AnyArray
from qembed.verify.causes.evidence import (
    Evidence,
    explains,
    from_sums,
    has,
    sums_products,
    with_params,
    words,
)
from qembed.verify.report import Cause


def rounding(evidence: Evidence) -> Iterator[Cause]:
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
        if changes and explains(evidence, with_params(evidence, **changes)):
            current = next(iter(scales.values())).rounding
            yield Cause(
                "rounding", f"requantization rounds {_ROUNDS[rounding]}, not {_ROUNDS[current]}"
            )
    if sums_products(evidence):
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
        # mypy does not infer the type of a default of a lambda.
        if explains(evidence, from_sums(evidence, lambda acc, s=scale: clamped(s(acc)))):  # type: ignore[misc]
            yield Cause("rounding", f"requantization {text}")


def _shift_up(x: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    return (x + np.where(right > 0, 1 << np.maximum(right - 1, 0), 0)) >> right


def saturation(evidence: Evidence) -> Iterator[Cause]:
    """No clamp, one at the wrong place, or too few bits."""
    if not has(evidence, "activation_range"):
        return
    limits = np.iinfo(evidence.cases[0].got.dtype)
    full = (int(limits.min), int(limits.max))
    if evidence.params.activation_range != full and explains(
        evidence, with_params(evidence, activation_range=full)
    ):
        yield Cause("saturation", "the activation clamp is missing")
    wide = (-(1 << 31), (1 << 31) - 1)
    if sums_products(evidence):
        by, zero = evidence.params.requantization, evidence.params.output_zero_point
        if explains(evidence, from_sums(evidence, lambda acc: requantize(acc, by) + zero)):
            yield Cause("saturation", "the output wraps around instead of saturating")
        low, high = evidence.params.activation_range
        if explains(
            evidence,
            from_sums(evidence, lambda acc: np.clip(requantize(acc, by), low, high) + zero),
        ):
            yield Cause("saturation", "the clamp comes before the zero point is added")
        if explains(
            evidence,
            from_sums(
                evidence,
                lambda acc: np.clip(
                    requantize(acc.astype(np.int16).astype(np.int64), by) + zero, low, high
                ),
            ),
        ):
            yield Cause("saturation", "the accumulator has 16 bits and wraps around")
    elif explains(evidence, with_params(evidence, activation_range=wide)):
        yield Cause("saturation", "the output wraps around instead of saturating")


def recipe(evidence: Evidence) -> Iterator[Cause]:
    """Parameters made by another recipe: zero points, multipliers, shifts, bias."""
    for name in [f.name for f in fields(evidence.params)]:
        value = getattr(evidence.params, name)
        if name.endswith("zero_point") and isinstance(value, int):
            for other, text in ((0, "0"), (-value, f"{-value}"), (value + 1, ""), (value - 1, "")):
                if other != value and explains(evidence, with_params(evidence, **{name: other})):
                    yield Cause("parameters", f"{words(name)} is {text or other}, not {value}")
        elif isinstance(value, Requantization):
            yield from _requantization_recipes(evidence, name, value)
    if has(evidence, "bias"):
        bias = evidence.params.bias
        for other, text in (
            (np.zeros_like(bias), "the bias is missing"),
            (np.roll(bias, 1), "the bias is shifted by one channel"),
            (np.roll(bias, -1), "the bias is shifted by one channel"),
            (bias[::-1].copy(), "the bias is in the opposite order"),
            (np.full_like(bias, bias[0]), "every channel has the bias of the first"),
        ):
            if explains(evidence, with_params(evidence, bias=other)):
                yield Cause("parameters", text)


def _requantization_recipes(
    evidence: Evidence, name: str, value: Requantization
) -> Iterator[Cause]:
    multiplier, shift = value.multiplier, value.shift
    ways = [
        (f"{words(name)}: every multiplier is {step:+d}", multiplier + np.int32(step), shift)
        for step in (1, -1)
    ]
    ways += [
        (f"{words(name)}: every shift is {step:+d}", multiplier, shift + np.int32(step))
        for step in (1, -1)
    ]
    ways += [
        (
            f"{words(name)}: every channel has the scale of the first",
            np.full_like(multiplier, multiplier[0]),
            np.full_like(shift, shift[0]),
        ),
        (
            f"{words(name)}: the scales are shifted by one channel",
            np.roll(multiplier, 1),
            np.roll(shift, 1),
        ),
        (
            f"{words(name)}: the scales are shifted by one channel",
            np.roll(multiplier, -1),
            np.roll(shift, -1),
        ),
        (f"{words(name)}: multipliers of 16 bits", multiplier & np.int32(-65536), shift),
        (
            f"{words(name)}: multipliers rounded to 24 bits, those of a float32",
            (multiplier.astype(np.int64) + 64 & ~127).clip(0, (1 << 31) - 1).astype(np.int32),
            shift,
        ),
    ]
    for text, new_multiplier, new_shift in ways:
        other = replace(value, multiplier=new_multiplier, shift=new_shift)
        if explains(evidence, with_params(evidence, **{name: other})):
            yield Cause("parameters", text)
