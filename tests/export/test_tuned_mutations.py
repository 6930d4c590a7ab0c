"""The tests of the tuned kernels see faults: each one planted here must be caught.

A mutant is one change of one source file, compiled for this machine, where C intrinsics stand for
instructions. Those of the Helium kernels are in tests/device/test_helium_mutants.py.
"""

import ctypes
import os
import signal
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

from qembed.backends import reference
from qembed.export.ops import candidates
from support import native
from support.fast_layers import FAST_LAYERS

LAYERS_EACH = 40
SOURCES = native.KERNELS / "src"
FLAGS = ("gcc", "-std=c99", "-O1", "-fPIC", f"-I{native.KERNELS / 'include'}")
KINDS = {"conv": ("conv", "pointwise"), "row": ("fully_connected",), "row_pair": ("conv",)}
"""Layers that show the faults of a file, where they are not those of its name."""

# (text that occurs once in the kernel's file; what takes its place)
POOLED = [
    ("count / 2", "(count - 1) / 2"),
    ("params->minimum", "-128"),
]
FAULTS = {
    "compact": {
        "add": [
            ("x - by->zero_point", "x"),
            ("scaled(&params->input2, *input2)", "scaled(&params->input1, *input2)"),
            ("qe_compact_scale(sum, params->multiplier, params->shift)", "sum"),
            ("y + params->zero_point", "y"),
            ("params->minimum", "-128"),
        ],
        "average_pool": [
            *POOLED,
            ("(sum > 0) ? half : -half", "half"),
            ("row * p->input.w + column", "row * p->input.h + column"),
            ("column < p->input.w", "column <= p->input.w"),
        ],
        "conv": [
            ("-(int32_t)params->padding.h", "0"),
            ("-(int32_t)params->padding.w", "0"),
            ("params->stride.w", "1"),
            ("params->stride.h", "1"),
            ("params->filters.outputs", "params->filters.outputs - 1"),
        ],
        "depthwise_conv": [
            ("x[1] * w1", "x[1] * w0"),
            ("9 * channel", "0"),
            ("x + 2 * row, w6", "x + row, w6"),
            ("y < 0 || y >= p->input.h", "y < 0"),
            ("*from - zero", "*from"),
        ],
        "fully_connected": [
            ("input += params->filters.taps", "input += params->filters.taps - 1"),
            ("output += params->filters.outputs", "output += params->filters.outputs - 1"),
            ("&params->filters, input", "&params->filters, input + 1"),
            ("left > 0", "left > 1"),
            ("input, output);\n        input", "input, output + 1);\n        input"),
        ],
        "row": [
            ("x0 * w[0]", "x0 * w[1]"),
            ("x[3] - zero", "x[3]"),
            ("sums[i]", "sums[0]"),
            ("QE_BLOCK * taps", "taps"),
            ("w + 12, x0", "w + 8, x0"),
        ],
    },
    "compact_pairs": {
        "conv_pairs": [
            ("waiting * params->filters.taps", "0"),
            ("2 * params->filters.outputs", "params->filters.outputs"),
            ("waiting > 0", "0"),
            ("-(int32_t)params->padding.w", "0"),
            ("params->stride.h", "1"),
        ],
        "row_pair": [
            ("of->y3 * w3", "of->x3 * w3"),
            ("first + i", "first"),
            ("sums[i][1]", "sums[i][0]"),
            ("QE_BLOCK * by.taps", "by.taps"),
            ("w + 4, &of", "w, &of"),
        ],
    },
    "dsp": {
        "add": [
            ("w * (1 << params->w_left_shift)", "w * (2 << params->w_left_shift)"),
            ("params->w_shift;", "params->w_shift + 1;"),
            ("params->offset + (sum2 >> 31)", "params->offset"),
            ("2 * scaled_w", "scaled_w"),
            ("params->x_is_second ? input1 : input2", "input2"),
        ],
        "average_pool": [
            *POOLED,
            ("sum > 0 ? sum + half : sum - half", "sum + half"),
            ("out_y * params->stride.h - params->padding.h", "out_y * params->stride.h"),
            ("corner[column * c]", "corner[0]"),
            ("(int16_t)(odd >> 16)", "(int16_t)(even >> 16)"),
        ],
        "fully_connected": [
            ("row->sums[i] = *row->bias++", "row->sums[i] = *row->bias++ + 512"),
            ("params->multiplier + first * step", "params->multiplier"),
            ("qe_requantize_offset(&params->quantization, *shift),", "0,"),
            ("done + 2 <= params->outputs", "done + 2 < params->outputs"),
            ("qe_smlad(even, weights[1], second)", "qe_smlad(even, weights[0], second)"),
        ],
        "conv": [
            ("-params->padding.h", "0"),
            ("column * params->stride.w - params->padding.w", "column * params->stride.w"),
            ("(int32_t)(record[channel] & 0xFFFFFF00U)", "0"),
            ("tile->zero_point2 * (int32_t)(1U << shift) + tile->half", "tile->half"),
            ("0x01010101U * (uint8_t)params->input_zero_point", "0"),
        ],
        "depthwise_conv": [
            ("filter->zero_point2 * (int32_t)(1U << shift) + filter->half", "filter->half"),
            ("row + x * stride", "row + x"),
            ("qe_requantize_offset(&params->quantization, shift)", "0"),
            ("loaded = 0, next = -params->padding.h", "loaded = 0, next = 0"),
            ("(params->output.w & ~1) * params->stride.w", "params->output.w & ~1"),
        ],
    },
    "m0": {
        "add": [
            ("x - by->zero_point", "x"),
            ("table2[*input2++ - INT8_MIN]", "table1[*input2++ - INT8_MIN]"),
            ("y + local.zero_point", "y"),
            ("local.minimum", "-128"),
            ("1 << left_shift", "2 << left_shift"),
        ],
        "average_pool": [
            *POOLED,
            ("sum > 0 ? sum + half : sum - half", "sum + half"),
            ("y * params->stride.h - params->padding.h", "y * params->stride.h"),
            ("first_y * width + first_x", "first_y * width"),
        ],
        "fully_connected": [
            ("*input * weights[i]", "*input * weights[0]"),
            ("(uint32_t)(-128 * sum)", "(uint32_t)(-127 * sum)"),
            ("block.sums[i] + start", "block.sums[i]"),
            ("BLOCK * params->taps", "BLOCK * params->taps - BLOCK"),
            ("params->head_step", "0"),
        ],
        "conv": [
            ("-params->padding.h", "0"),
            ("column * params->stride.w - params->padding.w", "column * params->stride.w"),
            ("-128 * spread(slot, taps, params->taps)", "-127 * spread(slot, taps, params->taps)"),
            ("pixels[4] = -128 * sum4", "pixels[4] = -128 * sum3"),
            ("taps, params->input_zero_point, (size_t)", "taps, 0, (size_t)"),
        ],
        "depthwise_conv": [
            ("4 * params->even_words", "4 * params->even_words - 4"),
            ("third - (4 + 4 * STEP)", "third - (8 + 4 * STEP)"),
            ("params->stride.w == 1 ? 8", "params->stride.w == 2 ? 8"),
            ("row, params->input_zero_point, params->row_words", "row, 0, params->row_words"),
            ("(params->kernel.h - 1) * params->dilation.h + 1", "params->kernel.h"),
        ],
    },
}


def variant_folder(variant: str) -> Path:
    return SOURCES / variant.partition("_")[0]


def drawn(variant: str, op: str):
    """Layers that run on the variant, inputs, and what is right."""
    found = []
    for kind in KINDS.get(op, (op.removesuffix("_pairs"),)):
        for seed in range(LAYERS_EACH):
            graph, inputs = FAST_LAYERS[kind](np.random.default_rng(seed))
            found.append((graph, inputs, reference.run(graph, inputs)))
    return found


def sources_of(variant: str, layers) -> list[Path]:
    """Files that any of the layers' kernels needs."""
    target = native.target_of(variant)
    return sorted(
        {
            SOURCES / source
            for graph, _, _ in layers
            for lowering in candidates(graph.nodes[0], graph, target).values()
            for source in lowering.sources
        }
    )


def compiled(folder: Path, source: Path) -> Path:
    made = folder / f"{source.parent.name}_{source.stem}.o"
    command = [*FLAGS, f"-I{source.parent}", "-c", str(source), "-o", str(made)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return made


def linked(folder: Path, objects) -> ctypes.CDLL:
    library = folder / "kernels.so"
    command = ["gcc", "-shared", *map(str, objects), "-o", str(library)]
    subprocess.run(command, check=True, timeout=60)
    return ctypes.CDLL(str(library))


def differs(variant: str, layers, library) -> bool:
    for graph, inputs, want in layers:
        try:
            got = native.run(graph, inputs, library, variant=variant)
        except AssertionError:  # guards, storage orders, wrong in place
            return True
        if any(a.tobytes() != b.tobytes() for a, b in zip(got, want, strict=True)):
            return True
    return False


def is_caught(variant: str, layers, library) -> bool:
    """Run in a child of this process: a fault may as well crash, or never end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of others do not matter here
        child = os.fork()
    if child == 0:
        signal.alarm(60)
        caught = True
        try:
            caught = differs(variant, layers, library)
        finally:
            os._exit(int(caught))
    return os.waitpid(child, 0)[1] != 0


@pytest.mark.parametrize(
    ("variant", "op"), [(variant, op) for variant, of in FAULTS.items() for op in of]
)
def test_every_planted_fault_is_caught(variant, op, tmp_path):
    layers = drawn(variant, op)
    objects = {source: compiled(tmp_path, source) for source in sources_of(variant, layers)}
    (tmp_path / "sound").mkdir()
    assert not is_caught(variant, layers, linked(tmp_path / "sound", objects.values()))
    path = variant_folder(variant) / f"qe_{op}.c"
    missed = []
    for number, (old, new) in enumerate(FAULTS[variant][op]):
        folder = tmp_path / str(number) / path.parent.name
        folder.mkdir(parents=True)
        text = path.read_text()
        assert text.count(old) == 1, f"{path.name} has {text.count(old)} times: {old}"
        (folder / path.name).write_text(text.replace(old, new))
        changed = {**objects, path: compiled(folder, folder / path.name)}
        if not is_caught(variant, layers, linked(folder, changed.values())):
            missed.append((old, new))
    assert missed == []


def test_every_kernel_has_five_faults():
    files = {
        (path.parent.name, path.stem.removeprefix("qe_"))
        for folder in ("compact", "dsp", "m0")
        for path in (SOURCES / folder).glob("*.c")
    }
    planted = {(variant.partition("_")[0], op) for variant, of in FAULTS.items() for op in of}
    assert planted == files
    counts = {(v, op): len(faults) for v, of in FAULTS.items() for op, faults in of.items()}
    assert {kernel: n for kernel, n in counts.items() if n < 5} == {}
