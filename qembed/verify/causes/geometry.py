"""Another padding; filters and inputs read in another order or from another place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from qembed.ir import AnyArray
from qembed.ops import OPERATORS
from qembed.verify.causes.evidence import (
    UNKNOWN,
    Evidence,
    displaced,
    explains,
    explains_where_known,
    has,
    on_input,
    only_output,
    with_params,
)
from qembed.verify.report import Cause


def padding(evidence: Evidence) -> Iterator[Cause]:
    """Another value at the border, or another place of it."""
    if not has(evidence, "padding"):
        return
    padding = evidence.params.padding
    if any(edge for axis in padding for edge in axis):
        none = ((0, 0), (0, 0))
        for value, text in ((0, "0"), (-128, "-128"), (127, "127"), (-1, "-1")):
            change = _padder(padding, value)
            if explains(evidence, on_input(evidence, change, padding=none)):
                yield Cause("padding", f"padded with {text} instead of the zero point")
        for mode in ("edge", "reflect"):
            change = _padder(padding, mode)
            if explains(evidence, on_input(evidence, change, padding=none)):
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
        if other != padding and explains(evidence, with_params(evidence, padding=other)):
            yield Cause("padding", text)


def _padder(padding: Any, value: int | str) -> Callable[[AnyArray], AnyArray]:
    widths = ((0, 0), *padding, (0, 0))
    if isinstance(value, str):
        # NumPy types each mode as a literal; `value` is one of them.
        return lambda x: np.pad(x, widths, mode=value)  # type: ignore[call-overload]
    return lambda x: np.pad(x, widths, constant_values=value)


def weight_order(evidence: Evidence) -> Iterator[Cause]:
    """Weights in another order."""
    if not has(evidence, "weights"):
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
        if explains(evidence, with_params(evidence, weights=np.ascontiguousarray(other))):
            yield Cause("weights", text)


def _rolled(array: AnyArray, step: int) -> AnyArray:
    return np.roll(array.reshape(-1), step).reshape(array.shape)


def input_order(evidence: Evidence) -> Iterator[Cause]:
    """Try an input that is read in the wrong way by a layer that computes rightly."""
    ways: list[tuple[str, str, Callable[[AnyArray], AnyArray]]] = [
        ("input", "the input is read as unsigned", lambda x: x ^ np.array(-128, x.dtype)),
        ("input", "the input's channels are reversed", lambda x: np.flip(x, -1)),
        ("layout", "the input is read plane by plane, but lies pixel by pixel", _as_planes),
        ("layout", "the input is read pixel by pixel, but lies plane by plane", _as_pixels),
        ("layout", "rows and columns of the input are exchanged", lambda x: x.swapaxes(1, 2)),
    ]
    for kind, text, change in ways:
        if explains(evidence, on_input(evidence, change)):
            yield Cause(kind, text)
    for step in (1, -1, 2, -2, 3, -3, 4, -4):
        if explains_where_known(
            evidence, [on_input(evidence, partial(displaced, step=step, fill=f)) for f in UNKNOWN]
        ):
            yield Cause("buffer", f"the input is read {step:+d} bytes beside its place")
    if len(evidence.node.inputs) > 1:
        reference = OPERATORS[evidence.node.op].reference
        if explains(
            evidence,
            lambda case: only_output(evidence, reference(evidence.params, *case.inputs[::-1])),
        ):
            yield Cause("input", "the inputs are exchanged")


def _as_planes(x: AnyArray) -> AnyArray:
    n, h, w, c = x.shape
    return x.reshape(n, c, h, w).transpose(0, 2, 3, 1)


def _as_pixels(x: AnyArray) -> AnyArray:
    return x.transpose(0, 3, 1, 2).reshape(x.shape)
