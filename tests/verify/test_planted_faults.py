"""Firmware with one mistake each: verify must name the layer, and nearly always the cause.

The digits network is exported for board native. A fault is an edit of its C: of a parameter, of a
constant, of a call; or a call of a kernel that makes a mistake (support/faulty_kernels.h).
"""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qembed.backends import reference
from qembed.device.session import Session
from qembed.ops.conv import accumulate
from qembed.verify.check import verify
from support.link_board import Board
from support.native_digits import (
    AVERAGE,
    DEPTH1,
    DEPTH2,
    NAMES,
    POOL,
    SCORES,
    STEM,
    SUM,
    WIDE1,
    WIDE2,
    export_digits,
)


def flip(index, bit, bits=8):
    def change(numbers):
        numbers = numbers.copy()
        value = (int(numbers[index]) ^ 1 << bit) & ((1 << bits) - 1)
        numbers[index] = value - (value >> (bits - 1) << bits)
        return numbers

    return change


def swapped(numbers):
    return numbers.astype(np.int32).byteswap()


def beside(layer, name, step):
    """Make a pointer to an array of int32 miss its place by some bytes."""
    array = f"digits_{NAMES[layer]}_{name}"
    return f".{name} = {array}", f".{name} = (const void *)((const char *){array} + {step})"


FAULTS = {
    # what: (layer, kinds of cause that are right, edit)
    "conv rounds once": (
        STEM,
        "rounding",
        lambda s: s.parameter(STEM, ".rounding = 0", ".rounding = 1"),
    ),
    "depthwise rounds once": (
        DEPTH1,
        "rounding",
        lambda s: s.parameter(DEPTH1, ".rounding = 0", ".rounding = 1"),
    ),
    "pointwise rounds once": (
        WIDE2,
        "rounding",
        lambda s: s.parameter(WIDE2, ".rounding = 0", ".rounding = 1"),
    ),
    "add with a scale twice too large": (
        SUM,
        "parameters",
        lambda s: s.parameter(SUM, ".shift = -3,", ".shift = -2,"),
    ),
    "conv cuts off": (WIDE1, "rounding", lambda s: s.kernel(WIDE1, "CUTS_OFF")),
    "conv in floating point": (WIDE2, "rounding", lambda s: s.kernel(WIDE2, "FLOATS")),
    "depthwise forgets the second rounding": (
        DEPTH2,
        "rounding",
        lambda s: s.kernel(DEPTH2, "ONE_SHIFT"),
    ),
    "conv without input zero point": (
        STEM,
        "parameters",
        lambda s: s.parameter(STEM, ".input_zero_point = -128", ".input_zero_point = 0"),
    ),
    "depthwise with output zero point 0": (
        DEPTH1,
        "parameters",
        lambda s: s.parameter(
            DEPTH1,
            ".zero_point = -128,\n        .activation",
            ".zero_point = 0,\n        .activation",
        ),
    ),
    "add with zero point 0": (
        SUM,
        "parameters",
        lambda s: s.parameter(SUM, ".zero_point2 = 19", ".zero_point2 = 0"),
    ),
    "one scale for all channels": (
        WIDE1,
        "parameters",
        lambda s: s.array(WIDE1, "multiplier", lambda n: 0 * n + n[0]).array(
            WIDE1, "shift", lambda n: 0 * n + n[0]
        ),
    ),
    "bias missing": (WIDE2, "parameters", lambda s: s.array(WIDE2, "bias", lambda n: 0 * n)),
    "bias of the next channel": (
        DEPTH2,
        "parameters",
        lambda s: s.array(DEPTH2, "bias", lambda n: np.roll(n, 1)),
    ),
    "shifts one too large": (
        WIDE1,
        "parameters",
        lambda s: s.array(WIDE1, "shift", lambda n: n + 1),
    ),
    "multipliers of 16 bits": (
        WIDE1,
        "parameters",
        lambda s: s.array(WIDE1, "multiplier", lambda n: n & ~0xFFFF),
    ),
    "conv wraps": (STEM, "saturation", lambda s: s.kernel(STEM, "WRAPS")),
    "depthwise wraps": (DEPTH2, "saturation", lambda s: s.kernel(DEPTH2, "WRAPS")),
    "accumulator of 16 bits": (STEM, "saturation", lambda s: s.kernel(STEM, "ACC16")),
    "conv pads with 0": (STEM, "padding", lambda s: s.kernel(STEM, "PADS_ZERO")),
    "depthwise pads with 0": (DEPTH1, "padding", lambda s: s.kernel(DEPTH1, "PADS_ZERO")),
    "padding on the other side": (DEPTH2, "padding", lambda s: s.kernel(DEPTH2, "SHIFTS_PAD")),
    "output four bytes late": (
        AVERAGE,
        "buffer",
        lambda s: s.after(AVERAGE, "memmove((char *)OUT + 4, OUT, 28)"),
    ),
    "input one byte early": (
        DEPTH1,
        "buffer",
        lambda s: s.call(
            DEPTH1,
            lambda f, p, x, y: f"memmove((char *){x} + 1, {x}, 1023); {f}({p}, {x}, {y});\n",
        ),
    ),
    "layer left out": (POOL, "stale", lambda s: s.call(POOL, lambda f, p, x, y: f"(void){p};\n")),
    "output of the sample before": (
        SCORES,
        "stale",
        lambda s: s.after(SCORES, "one_late(OUT, 10)"),
    ),
    "output never written": (
        WIDE2,
        "stale overlap",
        lambda s: s.after(WIDE2, "memset(OUT, 0, 512)"),
    ),
    "somebody writes into the output": (
        DEPTH2,
        "overlap",
        lambda s: s.after(DEPTH2, "memset((char *)OUT + 88, 0x5A, 40)"),
    ),
    "another tensor lies over the output": (
        WIDE2,
        "overlap",
        lambda s: s.after(WIDE2, "memcpy((char *)OUT + 100, digits_at(0u), 64)"),
    ),
    "bias in the opposite byte order": (
        STEM,
        "endianness",
        lambda s: s.array(STEM, "bias", swapped),
    ),
    "multipliers in the opposite byte order": (
        WIDE1,
        "endianness",
        lambda s: s.array(WIDE1, "multiplier", lambda n: swapped(n)),
    ),
    "bias read one byte beside": (
        DEPTH1,
        "alignment",
        lambda s: s.parameter(DEPTH1, *beside(DEPTH1, "bias", 1)),
    ),
    "bias read two bytes beside": (
        WIDE1,
        "alignment",
        lambda s: s.parameter(WIDE1, *beside(WIDE1, "bias", 2)),
    ),
    "two channels exchanged": (
        WIDE1,
        "channels",
        lambda s: s.after(WIDE1, "swap_channels(OUT, 64, 32, 3, 5)"),
    ),
    "channels reversed": (
        WIDE2,
        "channels",
        lambda s: s.after(WIDE2, "reverse_channels(OUT, 16, 32)"),
    ),
    "input plane by plane": (
        DEPTH2,
        "layout",
        lambda s: s.call(
            DEPTH2, lambda f, p, x, y: f"to_planes({x}, 16, 32); {f}({p}, {x}, {y});\n"
        ),
    ),
    "input unsigned": (
        STEM,
        "input",
        lambda s: s.call(STEM, lambda f, p, x, y: f"flip_top_bits({x}, 64); {f}({p}, {x}, {y});\n"),
    ),
    "a weight of conv": (STEM, "weights", lambda s: s.array(STEM, "weights", flip(40, 3))),
    "a weight of depthwise": (DEPTH1, "weights", lambda s: s.array(DEPTH1, "weights", flip(77, 6))),
    "a weight of fully connected": (
        SCORES,
        "weights",
        lambda s: s.array(SCORES, "weights", flip(200, 7)),
    ),
    "a bias": (WIDE1, "weights", lambda s: s.array(WIDE1, "bias", flip(9, 11, 32))),
    "a multiplier": (DEPTH2, "weights", lambda s: s.array(DEPTH2, "multiplier", flip(4, 27, 32))),
    "two weights": (
        WIDE2,
        "weights",
        lambda s: s.array(WIDE2, "weights", lambda n: flip(70, 6)(flip(1000, 5)(n))),
    ),
    "filter turned": (
        STEM,
        "weights",
        lambda s: s.array(STEM, "weights", lambda n: n.reshape(16, 9)[:, ::-1].ravel()),
    ),
    "filter transposed": (
        STEM,
        "weights",
        lambda s: s.array(STEM, "weights", lambda n: n.reshape(16, 3, 3).swapaxes(1, 2).ravel()),
    ),
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return export_digits(tmp_path_factory.mktemp("digits"))


def judge(digits, source):
    with Board(digits.link(source)) as board:
        port = board.open()
        report = verify(digits.graph, Session(port), digits.layers, [digits.inputs])
        port.close()
    return report


def test_without_a_fault_every_byte_is_equal(digits):
    report = judge(digits, digits.source)
    assert report.verdict == "equal"
    assert report.samples == len(digits.inputs)
    assert report.first is None


def test_faulty_kernels_without_a_mistake_are_right(digits):
    source = digits.source
    for layer in (STEM, DEPTH1, WIDE1, DEPTH2, WIDE2):
        source = source.kernel(layer, "NONE")
    assert judge(digits, source).verdict == "equal"


def test_every_planted_fault_is_found_where_it_is_and_nearly_all_are_explained(digits):
    def examine(item):
        name, (layer, kinds, edit) = item
        source = edit(digits.source)
        assert source != digits.source, name
        report = judge(digits, source)
        assert report.verdict == "different", name
        first = report.first
        if first.layer != layer or first.blame != "board":
            return None, f"MISSED {name}: {first}"
        assert first.differing > 0
        assert first.expected != first.got
        assert first.pattern
        right = bool(first.causes) and first.causes[0].kind in kinds.split()
        causes = "; ".join(cause.text for cause in first.causes) or "no cause found"
        return right, f"{'ok   ' if right else 'WRONG'} {name}: {causes} [{first.pattern}]"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(examine, FAULTS.items()))
    print(*(line for _, line in results), sep="\n")
    explained = sum(bool(right) for right, _ in results)
    placed = sum(right is not None for right, _ in results)
    print(f"{len(FAULTS)} planted faults: layer named in {placed}, cause in {explained}")
    assert placed == len(FAULTS)
    assert len(FAULTS) >= 40
    assert explained >= len(FAULTS) - 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a weight of conv", r"weights\[4, 1, 1, 0\] is -?\d+, not -?\d+: bit 3 is wrong"),
        ("a weight of depthwise", r"weights\[1, 1, 13\] is -?\d+, not -?\d+: bit 6 is wrong"),
        ("a bias", r"bias\[9\] is -?\d+, not -?\d+: bit 11 is wrong"),
        ("two channels exchanged", "3 holds 5, 5 holds 3"),
        ("add with zero point 0", "input2 zero point is 0, not 19"),
    ],
)
def test_the_cause_is_told_in_full(digits, name, text):
    _, _, edit = FAULTS[name]
    report = judge(digits, edit(digits.source))
    assert re.search(text, report.first.causes[0].text), report.first.causes


def test_the_first_element_is_told_in_full(digits):
    layer, _, edit = FAULTS["a bias"]
    first = judge(digits, edit(digits.source)).first
    assert (first.layer, first.name, first.op) == (layer, "wide1", "conv")
    assert (first.variant, first.function) == ("portable", "qe_conv_s8")
    assert first.index[3] == 9
    assert first.pattern == "only c = 9"
    assert first.elements == 8 * 8 * 32
    traced = reference.trace(digits.graph, [digits.inputs[first.sample :][:1]])
    node = digits.graph.nodes[2]
    assert first.expected == traced[node.outputs[0]][0][first.index]
    assert first.accumulator == accumulate(node.params, traced[node.inputs[0]][0])[first.index]
