"""The tests of the device kernels see faults: each one planted here must be caught.

A mutant is one change of one source file. It is compiled into a library of its own, which then
runs random layers of its operator; all must be told from the definition.
"""

import ctypes
import functools
import os
import shutil
import signal
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

from qembed.backends import reference
from qembed.export.ops import lower
from support import native
from support.layers import LAYERS

LAYERS_EACH = 100
FLAGS = ("gcc", "-std=c99", "-O1", "-fPIC")
SOURCES = native.KERNELS / "src/portable"
INCLUDE = native.KERNELS / "include"

FIXED_POINT = "include/qe_fixedpoint.h"
RARE = "src/portable/qe_fixedpoint.c"
ELEMENTS = "include/qe_elements.h"
WINDOW = "src/portable/qe_window.c"
EXP = "src/portable/qe_exp.c"
WALK = "include/qe_walk.h"
BINARY = "include/qe_binary.h"
COPY = "src/portable/qe_copy.c"

# (file, or "" for the kernel's own; text that occurs once in it; what takes its place)
MUTANTS = {
    "add": [
        ("", "x1 - p->zero_point1", "x1"),
        ("", "(x2 - p->zero_point2) * ((int32_t)1 << p->left_shift)", "(x2 - p->zero_point2)"),
        ("", "qe_rescale(raised2, &p->scale2)", "qe_rescale(raised2, &p->scale1)"),
        ("", "scaled1 - scaled2", "scaled2 - scaled1"),
        (BINARY, "x2 += pair->walk2.run_stride", "x2 += pair->walk1.run_stride"),
        (BINARY, "at2 += pair->walk2.steps[axis]", "at2 += pair->walk1.steps[axis]"),
        ("", "p->activation_max);", "p->activation_max - 1);"),
        (
            FIXED_POINT,
            "qe_high_multiply(acc, multiplier), -shift)",
            "qe_high_multiply(acc, multiplier), -shift & 15)",
        ),
        (WALK, "index[axis] = 0;", ""),
    ],
    "average_pool": [
        ("", "(sum > 0) ? sum + half : sum - half", "sum + half"),
        ("", "const int32_t half = count / 2;", "const int32_t half = (count - 1) / 2;"),
        ("", "window->rows * window->columns", "g->window.h * g->window.w"),
        ("", "p->activation_min, p->activation_max", "p->activation_min, INT16_MAX"),
        ("", "c < g->output.c; ++c", "c < (g->output.c & ~1); ++c"),
    ],
    "conv": [
        ("", "g->dilation.w == 1", "g->dilation.h == 1"),
        ("", "window->row_step * g->input.c", "g->input.w * g->input.c"),
        ("", "seen.x_run_step = g->dilation.w", "seen.x_run_step = g->dilation.h"),
        ("", "out_c < g->output.c;", "out_c < (g->output.c & ~3);"),
        ("", "x_at += p->depth;", "x_at += 1;"),
        ("", "left_of_group >= QE_BLOCK", "left_of_group >= QE_BLOCK - 1"),
        ("", "weights += seen->w_row_step;", ""),
        (ELEMENTS, "w[2 * filter_size]", "w[filter_size]"),
        (ELEMENTS, "*x - zero_point", "*x"),
        (ELEMENTS, "(((pair & 15) ^ 8) - 8)", "(pair & 15)"),
        (ELEMENTS, "(index & 1) != 0", "(index & 1) == 0"),
        (WINDOW, "(inside.end - 1) * dilation >= size", "inside.end * dilation >= size"),
        (WINDOW, "origin + inside.begin * dilation < 0", "origin + inside.begin * dilation < -1"),
        (FIXED_POINT, "((x < 0) ? 1u : 0u)", "0u"),
        (FIXED_POINT, "(uint32_t)acc << shift", "(uint32_t)acc << (shift - 1)"),
        (RARE, "channel + i, each[i]", "channel, each[i]"),
    ],
    "depthwise_conv": [
        ("", "x_at += window->row_step * g->input.c", "x_at += g->input.w * g->input.c"),
        ("", "input += window->row_step * g->input.c", "input += g->input.w * g->input.c"),
        ("", "qe_load(input, x, x_bytes) - p->input_zero_point", "qe_load(input, x, x_bytes)"),
        (
            "",
            "(int)(x[3] - p->input_zero_point) * w[3]",
            "(int)(x[3] - p->input_zero_point) * w[2]",
        ),
        ("", "++x_at;", ""),
        ("", "out_c < g->output.c; ++out_c", "out_c < (g->output.c & ~1); ++out_c"),
        ("", "w_at += g->window.w * g->output.c", "w_at += window->columns * g->output.c"),
        ("", "weights += g->window.w * g->output.c", "weights += window->columns * g->output.c"),
        ("", "p->depth_multiplier == 1", "p->depth_multiplier <= 2"),
        (WINDOW, "g->padding.w", "g->padding.h"),
        (WINDOW, "columns.begin * g->dilation.w", "columns.begin"),
        (RARE, "(high << 32) | (uint32_t)stage", "(uint32_t)stage"),
    ],
    "dequantize": [
        ("", "- p->zero_point", "+ p->zero_point"),
        (
            "",
            "(int64_t)qe_number_load(input, i, p->input_type)",
            "(int64_t)(int16_t)qe_number_load(input, i, p->input_type)",
        ),
        ("", "(float)x * p->scale", "(float)((double)x * (double)p->scale)"),
        ("", "i < p->count", "i < p->count - 1"),
        (
            "",
            "const int64_t x = (int64_t)qe_number_load(input, i, p->input_type) -",
            "const int32_t x = (int32_t)(uint32_t)qe_number_load(input, i, p->input_type) -",
        ),
    ],
    "fully_connected": [
        ("", "p->input_zero_point,", "p->input_zero_point - 1,"),
        ("", "x_at += p->inputs;", "x_at += p->outputs;"),
        ("", "out_c < p->outputs", "out_c < (p->outputs & ~1)"),
        ("", "w_at += p->inputs;", "w_at += p->inputs & ~1;"),
        ("", "w_at += QE_BLOCK * p->inputs;", "w_at += p->inputs;"),
        ("", "p->outputs - out_c >= QE_BLOCK", "p->outputs - out_c >= QE_BLOCK - 1"),
        (FIXED_POINT, "channel * stage->channel_step", "channel * 0"),
    ],
    "max_pool": [
        ("", "int32_t largest = qe_load(input, x_at, bytes);", "int32_t largest = 0;"),
        ("", "(value > largest)", "(value < largest)"),
        ("", "p->activation_min, p->activation_max", "INT16_MIN, p->activation_max"),
        ("", "i < window->columns", "i < window->columns - 1"),
        ("", "window->row_step * g->input.c", "window->row_step"),
    ],
    "mean": [
        ("", "- p->input_zero_point", ""),
        ("", "x += walk->run_stride;", "x += 1;"),
        ("", "walk->steps[axis]", "walk->run"),
        ("", "qe_rescale(sum, &p->scale), p->output_zero_point", "qe_rescale(sum, &p->scale), 0"),
        ("", "-highest - 1, highest", "-highest, highest"),
        ("", "first + i * p->kept.run_stride", "first + i"),
    ],
    "pad": [
        ("", "position < 0 ||", "position < -1 ||"),
        ("", "position >= p->sizes[axis]", "position > p->sizes[axis]"),
        ("", "index[axis] - p->before[axis]", "index[axis]"),
        (
            "",
            "fill(output, y_at, p->row_after, p->value, bytes)",
            "fill(output, y_at, p->row_after, 0, bytes)",
        ),
        ("", "p->row_before + p->row + p->row_after", "p->row_before + p->row"),
    ],
    "quantize": [
        ("", "fraction >= 0.5f", "fraction > 0.5f"),
        ("", "fraction <= -0.5f", "fraction < -0.5f"),
        ("", "return INT32_MAX;", "return INT32_MIN;"),
        ("", "(int64_t)steps + params->output_zero_point", "(int64_t)steps"),
        ("", "- p->input_zero_point", ""),
        (
            "",
            "(int64_t)qe_rescale(x, &p->scale) + p->output_zero_point",
            "(int32_t)((uint32_t)qe_rescale(x, &p->scale) + (uint32_t)p->output_zero_point)",
        ),
    ],
    "reshape": [
        ("", "(size_t)params->bytes", "(size_t)params->bytes - 1u"),
        ("", "(size_t)params->bytes", "(size_t)params->bytes + 1u"),
        ("", "memcpy(output, input,", "memset(output, 0,"),
        ("", "output != input", "output == input"),
        ("", "memcpy(output, input,", "memcpy(output, (const char *)input + 1,"),
    ],
    "softmax": [
        ("", "(exponent < 31) ? exponent : 31)", "(exponent < 30) ? exponent : 30)"),
        ("", "difference >= by->diff_min", "difference > by->diff_min"),
        (EXP, "difference >= by->diff_min", "difference > by->diff_min"),
        (
            EXP,
            "qe_rounding_shift_right(qe_exp_q5(qe_exponent(by, difference)), 12)",
            "(qe_exp_q5(qe_exponent(by, difference)) >> 12)",
        ),
        (EXP, "i = 1; i < count", "i = 1; i < count - 1"),
        (EXP, "i < 3; ++i", "i < 2; ++i"),
        (EXP, "k < 7; ++k", "k < 5; ++k"),
        (EXP, "cubic + d2, 1)", "d2, 1)"),
    ],
    "arg_extremum": [
        ("", "(value > extreme)", "(value >= extreme)"),
        ("", "(value < extreme)", "(value <= extreme)"),
        ("", "extreme = value;", ""),
        ("", "i < size;", "i < size - 1;"),
        ("", "input += p->size * p->inner", "input += p->size"),
        ("", "k < p->inner", "k < (p->inner & ~1)"),
    ],
    "broadcast_to": [
        ("", "params->element_bytes", "1"),
        (COPY, "walk->run_stride == 1", "walk->run_stride >= 0"),
        (COPY, "walk->steps[axis]", "walk->run"),
        (COPY, "b < bytes", "b < 1"),
        (COPY, "x + at * element_bytes", "x"),
    ],
    "concatenation": [
        ("", "i * bytes", "i"),
        ("", "params->run_bytes[k]", "params->run_bytes[0]"),
        ("", "k < params->input_count", "k < params->input_count - 1"),
        ("", "i < params->repeats", "i < params->repeats - 1"),
        ("", "(size_t)bytes)", "(size_t)bytes - 1u)"),
    ],
    "extremum": [
        ("", "(largest != 0)", "(largest == 0)"),
        ("", "? x1 : x2", "? x2 : x1"),
        ("", "x1 > x2", "x1 < x2"),
        (BINARY, "x1 += pair->walk1.run_stride", "x1 += pair->walk2.run_stride"),
        (BINARY, "at1 += pair->walk1.steps[axis]", "at1 += pair->walk2.steps[axis]"),
        (BINARY, "i < pair->walk1.run;", "i < pair->walk1.run - 1;"),
    ],
    "gather_at": [
        ("", "positions[k], 0,", "positions[0], 0,"),
        ("", "p->size - 1)", "p->size)"),
        ("", "qe_clamp(positions[k], 0,", "qe_clamp(positions[k], -1,"),
        ("", "x += p->size * p->slice_bytes", "x += p->slice_bytes"),
        ("", "positions += p->count", "positions += 1"),
        ("", "k < p->count", "k < p->count - 1"),
    ],
    "gather": [
        ("", "params->positions[k]", "k"),
        ("", "x += params->size * params->slice_bytes", "x += params->size"),
        ("", "k < params->count", "k < params->count - 1"),
        ("", "x + params->positions[k] * params->slice_bytes", "x + params->positions[k]"),
        ("", "i < params->repeats", "i < params->repeats - 1"),
    ],
    "lookup": [
        ("", "params->table + 128", "params->table + 127"),
        ("", "middle[input[i]]", "middle[(int8_t)-input[i]]"),
        ("", "middle[input[i]]", "params->table[(uint8_t)input[i]]"),
        ("", "i < params->count", "i < params->count - 1"),
        ("", "int32_t i = 0", "int32_t i = 1"),
    ],
    "mirror_pad": [
        ("", "-position - p->repeat_edge", "-position"),
        ("", "- position + p->repeat_edge", "- position"),
        ("", "index[axis] - p->before[axis]", "index[axis]"),
        ("", "position < 0", "position < 1"),
        ("", "position >= p->sizes[axis]", "position >= p->sizes[axis] - 1"),
    ],
    "mul": [
        ("", "(x1 - p->zero_point1)", "x1"),
        ("", "(x2 - p->zero_point2)", "(x2 - p->zero_point1)"),
        ("", "p->output_zero_point, p->activation_min", "0, p->activation_min"),
        ("", "p->activation_max);", "INT16_MAX);"),
        (FIXED_POINT, "((x < 0) ? 1u : 0u)", "0u"),
        (FIXED_POINT, "((int64_t)1 << 30)", "((int64_t)1 << 29)"),
    ],
    "pair_lookup": [
        ("", "(x1 + 128) * 256", "(x2 + 128) * 256"),
        ("", "+ x2 + 128]", "+ x2 + 127]"),
        (BINARY, "x2 += pair->walk2.run_stride", "x2 += pair->walk1.run_stride"),
        (BINARY, "at2 += pair->walk2.steps[axis]", "at2 += pair->walk1.steps[axis]"),
        (WALK, "index[axis] = 0;", ""),
    ],
    "conv_integer": [
        ("", "(x[i] - zero_point)", "x[i]"),
        ("", "column * g->dilation.w", "column * g->dilation.h"),
        ("", "weights += g->window.w * p->depth;", "weights += window->columns * p->depth;"),
        ("", "x + group * params->depth", "x"),
        ("", "params->weights + window.first_tap * params->depth", "params->weights"),
        (WINDOW, "(inside.end - 1) * dilation >= size", "inside.end * dilation >= size"),
    ],
    "matmul_integer": [
        ("", "(left[i] - zero_point1)", "(left[i] - zero_point2)"),
        ("", "- zero_point2);", ");"),
        ("", "right[i * p->columns + column]", "right[i * p->columns]"),
        ("", "left += p->depth;", "left += p->columns;"),
        ("", "at2 += walk2->steps[axis];", "at2 += walk1->steps[axis];"),
        ("", "i * walk2->run_stride", "i * walk1->run_stride"),
    ],
    "dynamic_quantize": [
        ("", "fraction == 0.5f && whole % 2 != 0", "fraction == 0.5f"),
        ("", "float high = 0.0f;", "float high = -1.0e30f;"),
        ("", "(high > low) ? (high - low) / 255.0f : 1.0f", "(high - low) / 255.0f"),
        ("", "0.0f - low / step", "low / step"),
        ("", "(x > UINT8_MAX) ? UINT8_MAX : x", "x"),
        ("", "(int8_t)(point + INT8_MIN)", "(int8_t)point"),
    ],
    "reduce_extremum": [
        ("", "(p->largest != 0)", "(p->largest == 0)"),
        ("", "int32_t extreme = qe_load(input, x_at, bytes);", "int32_t extreme = 0;"),
        ("", "x += walk->run_stride;", "x += 1;"),
        ("", "first + i * p->kept.run_stride", "first + i"),
        ("", "walk->steps[axis]", "walk->run"),
        ("", "p->kept.steps[axis]", "p->kept.run"),
    ],
    "strided_slice": [
        ("", "params->first * params->element_bytes", "params->first"),
        ("", "(const uint8_t *)input + params->first", "(const uint8_t *)input + 0"),
        (COPY, "i * walk->run_stride * bytes", "i * bytes"),
        (COPY, "at += (axis >= 0)", "at += (axis > 0)"),
        (COPY, "(size_t)size", "(size_t)walk->run"),
    ],
    "transpose": [
        ("", "params->element_bytes", "1"),
        (COPY, "i * walk->run_stride * bytes", "i * walk->run_stride"),
        (COPY, "walk->steps[axis]", "walk->steps[0]"),
        (WALK, "axis = walk->rank - 1", "axis = walk->rank - 2"),
        (WALK, "index[axis] = 0;", ""),
    ],
    "batch_matmul": [
        ("", "from.at1, bytes) - p->factor1.zero_point", "from.at1, bytes)"),
        ("", "from.at2 += p->factor2.inner_stride", "from.at2 += p->factor2.outer_stride"),
        ("", "row * p->factor1.outer_stride", "row * p->factor1.inner_stride"),
        ("", "at2 += walk2->steps[axis]", "at2 += walk1->steps[axis]"),
        ("", "i * walk2->run_stride", "i * walk1->run_stride"),
        ("", "p->output_zero_point, INT8_MIN", "0, INT8_MIN"),
        ("", "column < p->columns", "column < (p->columns & ~1)"),
    ],
    "compare": [
        ("", "(x1 < x2)", "(x1 > x2)"),
        ("", "return p->when_equal;", "return p->when_less;"),
        ("", "qe_rescale(raised2, &p->scale2)", "qe_rescale(raised2, &p->scale1)"),
        ("", "(int64_t)x1 - p->zero_point1", "(int32_t)((uint32_t)x1 - (uint32_t)p->zero_point1)"),
        ("", "(x2 - p->zero_point2)", "(x2 - p->zero_point1)"),
    ],
    "l2_normalization": [
        ("", "sum += x * x;", "sum += x;"),
        ("", "i < 5; ++i", "i < 3; ++i"),
        ("", "#define LOG2_OUTPUT_SCALE 7", "#define LOG2_OUTPUT_SCALE 8"),
        ("", "value /= 4", "value /= 2"),
        ("", "input += p->size", "input += p->rows"),
        ("", "right = 11", "right = 12"),
        ("", "input[i] - p->input_zero_point, by", "input[i], by"),
    ],
    "log_softmax": [
        ("", "difference > smallest", "difference >= smallest"),
        ("", "difference >= by->diff_min &&", "difference > by->diff_min &&"),
        ("", "+ INT8_MAX, INT8_MIN", "+ 126, INT8_MIN"),
        ("", "(other_x < x)", "(other_x > x)"),
        ("", "qe_high_multiply(square, 127690142)", "0"),
        ("", "cubic;", "0;"),
        (EXP, "i < by->count", "i < by->count - 1"),
    ],
    "lstm": [
        ("", "from_input += gate->bias[cell];", "from_input += gate->bias[0];"),
        ("", "-p->cell_clip, p->cell_clip", "INT16_MIN, INT16_MAX"),
        ("", "hidden_at = row * p->cells;", ""),
        ("", "gate->bias_high[cell] * ((int64_t)1 << 32)", "0"),
        ("", "(bytes == 1) ? INT8_MIN : INT16_MIN", "INT8_MIN"),
        ("", "p->hidden_zero_point, bytes, 8", "p->input_zero_point, bytes, 8"),
        ("", "step * p->step_stride", "step"),
        ("", "qe_tanh(scale, into[2])", "qe_logistic(scale, into[2])"),
        (
            "",
            "qe_rescale(keep * cell[i], &p->forget_scale)",
            "qe_rescale(keep * cell[i], &p->update_scale)",
        ),
        ("", "cell[i] = (int16_t)c;", ""),
    ],
    "prelu": [
        ("", "(x >= 0)", "(x > -2)"),
        ("", "qe_rescale(x * slope, &p->negative)", "qe_rescale(x * slope, &p->positive)"),
        ("", "i * p->slopes.run_stride", "i"),
        ("", "p->slopes.steps[axis]", "p->slopes.run"),
        ("", "p->output_zero_point, -highest", "0, -highest"),
        ("", "-highest - 1, highest", "-highest, highest"),
    ],
    "resize_bilinear": [
        (
            "",
            "away != 0 && total < 0) {\n        return -((",
            "away == 0 && total < 0) {\n        return -((",
        ),
        ("", "p->rows.high[y]", "p->rows.low[y]"),
        ("", "right * at->right, away);\n    }", "right * (at->right + 1), away);\n    }"),
        ("", "p->columns.fraction[x]", "p->rows.fraction[y]"),
        ("", "(int64_t)left *", "left *"),
        ("", "image += p->input.h", "image += p->output.h"),
    ],
    "resize_nearest": [
        ("", "p->rows[i]", "i"),
        ("", "p->columns[k]", "k"),
        ("", "p->rows[i] * row_bytes", "p->rows[i] * p->pixel_bytes"),
        ("", "(size_t)p->pixel_bytes", "(size_t)1"),
        ("", "image += p->input.h * row_bytes", "image += row_bytes"),
    ],
    "select": [
        ("", "!= 0)", "== 0)"),
        ("", "i * p->condition.run_stride", "i"),
        ("", "i * p->walk2.run_stride", "i * p->walk1.run_stride"),
        ("", "at += p->condition.steps[axis]", "at += p->walk1.steps[axis]"),
        ("", "at2 += p->walk2.steps[axis]", "at2 += p->walk1.steps[axis]"),
    ],
    "sigmoid": [
        ("", "(((uint32_t)1 << scale->shift) >> 1)", "0"),
        ("", "index >= 255", "index >= 254"),
        ("", "(INT32_C(1) << 25) - result + half - 1", "(INT32_C(1) << 25) - result + half"),
        ("", "fraction * (high - low)", "0"),
        ("", "middle - result + half - 1", "middle - result + half"),
        ("", "9, 0xFFFE", "9, 0xFFFF"),
    ],
    "softmax_int16": [
        ("", "+ 64) >> 7", ") >> 7"),
        ("", "int32_t right = 30", "int32_t right = 29"),
        ("", "(1u << 13)", "0u"),
        ("", "* reciprocal + half", "* reciprocal"),
        ("", "int32_t i = 1; i < count", "int32_t i = 1; i < count - 1"),
        ("", "256 + (x >> 7)", "256 + (x / 128)"),
    ],
    "squared_difference": [
        ("", "(x1 - p->zero_point1)", "x1"),
        ("", "difference * difference", "difference"),
        ("", "qe_rescale(raised2, &p->scale2)", "qe_rescale(raised2, &p->scale1)"),
        ("", "&p->output_scale), p->output_zero_point", "&p->output_scale), 0"),
        ("", "(x2 - p->zero_point2) * ((int32_t)1 << p->left_shift)", "(x2 - p->zero_point2)"),
    ],
    "svdf": [
        ("", "at + i + 1, bytes), bytes)", "at + i, bytes), bytes)"),
        ("", "newest + p->state_zero_point", "newest"),
        ("", "- p->state_zero_point;", ";"),
        ("", "-highest - 1, highest", "-highest, highest"),
        ("", "++filter;", ""),
        ("", "p->bias[unit]", "p->bias[0]"),
        ("", "input += p->features", "input += p->units"),
    ],
    "transpose_conv": [
        ("", "position % stride", "0"),
        ("", "of.pixel >= size", "of.pixel > size"),
        ("", "of.first += stride", "of.first += 1"),
        ("", "of.count <= of.pixel", "of.count < of.pixel"),
        ("", "columns->first + k * p->stride.w", "columns->first + k * p->stride.h"),
        ("", "x + p->offset.w", "x + p->offset.h"),
        ("", "c < p->output.c", "c < (p->output.c & ~1)"),
    ],
}


def compile_objects(folder: Path, sources, include=INCLUDE) -> None:
    command = [*FLAGS, f"-I{include}", "-c", *map(str, sources)]
    subprocess.run(command, cwd=folder, check=True, timeout=300)


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """The kernels as they are, compiled once."""
    folder = tmp_path_factory.mktemp("objects")
    compile_objects(folder, sorted(SOURCES.glob("*.c")))
    return folder


def sources_of(op: str) -> list[str]:
    """Names of the files that its kernel needs."""
    graph, _, _ = vectors(op)[0]
    return [Path(source).name for source in lower(graph.nodes[0], graph, native.TARGET).sources]


def build_mutant(folder: Path, objects: Path, op: str, mutant) -> ctypes.CDLL:
    """A library in which one text of one file is replaced."""
    name, old, new = mutant
    path = native.KERNELS / (name or f"src/portable/qe_{op}.c")
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times: {old}"
    # Copies of all headers: each includes its neighbours.
    shutil.copytree(INCLUDE, folder, dirs_exist_ok=True)
    sources = sources_of(op)
    changed = [path.name] if path.suffix == ".c" else sources
    for source in changed:
        shutil.copy(SOURCES / source, folder)
    (folder / path.name).write_text(text.replace(old, new))
    compile_objects(folder, [folder / source for source in changed], folder)
    made = sorted(folder.glob("*.o"))
    rest = [objects / Path(s).with_suffix(".o") for s in sources if s not in changed]
    library = folder / "mutant.so"
    command = ["gcc", "-shared", *map(str, made + rest), "-o", str(library)]
    subprocess.run(command, check=True, timeout=60)
    return ctypes.CDLL(str(library))


@functools.cache
def vectors(op):
    """Layers of an operator, inputs, and what is right."""
    drawn = [LAYERS[op](np.random.default_rng(seed)) for seed in range(LAYERS_EACH)]
    return [(graph, inputs, reference.run(graph, inputs)) for graph, inputs in drawn]


def differs(op, library) -> bool:
    for graph, inputs, want in vectors(op):
        try:
            got = native.run(graph, inputs, library)
        except AssertionError:  # guards, inputs overwritten, wrong in place
            return True
        if any(a.tobytes() != b.tobytes() for a, b in zip(got, want, strict=True)):
            return True
    return False


def is_caught(op, library) -> bool:
    """Run in a child of this process: a fault may as well crash, or never end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of others do not matter here
        child = os.fork()
    if child == 0:
        signal.alarm(120)
        caught = True
        try:
            caught = differs(op, library)
        finally:
            os._exit(int(caught))
    return os.waitpid(child, 0)[1] != 0


@pytest.mark.parametrize("op", MUTANTS)
def test_every_planted_fault_is_caught(op, objects, tmp_path):
    survivors = []
    vectors(op)  # once, before there are children
    for number, mutant in enumerate(MUTANTS[op]):
        folder = tmp_path / str(number)
        folder.mkdir()
        if not is_caught(op, build_mutant(folder, objects, op, mutant)):
            survivors.append(mutant)
    assert survivors == []


def test_every_kernel_has_five_mutants():
    assert set(MUTANTS) == set(LAYERS)
    assert {op: len(faults) for op, faults in MUTANTS.items() if len(faults) < 5} == {}


@pytest.mark.parametrize("op", MUTANTS)
def test_without_a_fault_nothing_is_caught(op):
    assert not differs(op, native.library())
