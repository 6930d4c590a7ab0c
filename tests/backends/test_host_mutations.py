"""The tests of the host kernels see faults: each one planted here must be caught.

A fault is another expression in one place of one source file. Kernels with faults run the random
layers that the kernels' own tests run, and are told from the definition.
"""

import pytest

from support.host_mutants import build, survivors
from support.layers import LAYERS

REQUANTIZE = "requantize.h"
SIGMOID = "sigmoid.h"
FIXED_POINT = "fixed_point.h"
MOVES = "_moves.pyx"
SIMD = "_simd.pyx"
MICRO = "simd/micro.h"
STAGE = "simd/stage.h"
POOL = "simd/pool.h"
BYTES = "simd/bytes.h"

# Of copies of parts of the input, whatever picks the parts.
MOVED = [
    (MOVES, "index[axis] < moves.size[axis]", "index[axis] < moves.size[axis] - 1"),
    (MOVES, "x + at", "x"),
    (MOVES, "tensor.nbytes", "tensor.nbytes - 1"),
    (MOVES, "len(places)", "max(len(places) - 1, 1)"),
]

# (file, or "" for the kernel's own; an expression that occurs once in it; what takes its place)
FAULTS = {
    "add": [
        ("", "x * layer.sum_multiplier1", "x * layer.sum_multiplier2"),
        ("", "layer.sign * x * layer.sum_multiplier2", "x * layer.sum_multiplier2"),
        ("", "total + layer.output_zero_point", "total"),
        ("", "layer.sum_shift - 1", "layer.sum_shift"),
        ("", "x2[i * step2]", "x2[i * step1]"),
        (REQUANTIZE, "(x < 0 ? INT64_C(1) << 31 : 0)", "0"),
        ("", "params.activation_range", "(-128, 127)"),
    ],
    "average_pool": [
        ("", "half if sums[channel] > 0 else -half", "half"),
        ("", "count // 2", "(count - 1) // 2"),
        ("", "(bottom - top) * (right - left)", "w.kernel_height * w.kernel_width"),
        ("", "max(oy * w.stride_y - w.top, 0)", "max(oy * w.stride_y - w.left, 0)"),
        ("", "params.activation_range", "(-32768, 127)"),
        (POOL, "y + p->window_y < p->height ? y + p->window_y : p->height", "p->height"),
        (POOL, "average < p->low ? p->low : average", "average"),
        (POOL, "(iy * p->width + w.x0) * p->channels", "iy * p->width * p->channels"),
    ],
    "arg_extremum": [
        (
            "",
            "(value > extreme) if layer.largest else (value < extreme)",
            "(value >= extreme) if layer.largest else (value <= extreme)",
        ),
        ("", "i * layer.inner + inner", "i * layer.inner"),
        ("", "shape[params.axis]", "shape[params.axis] - 1"),
        ("", "<int32_t> best", "<int32_t> (best + 1)"),
        ("", "params.largest", "not params.largest"),
        ("", "layer.size * layer.inner", "layer.inner"),
    ],
    "batch_matmul": [
        ("", "x1[i * layer.left.inner_step] - layer.zero_point1", "x1[i * layer.left.inner_step]"),
        ("", "rescale(&layer.scale, acc) + layer.output_zero_point", "rescale(&layer.scale, acc)"),
        ("", "row * layer.left.outer_step", "row * layer.right.outer_step"),
        ("", "layer.right.start[matrix]", "layer.right.start[0]"),
        ("", "(columns, 1) if inner_is_first else (1, columns)", "(1, columns)"),
        ("", "not params.transpose2", "params.transpose2"),
    ],
    "broadcast_to": [
        ("", "[0] * n if axis is None or shape[axis] == 1 else range(n)", "[0] * n"),
        (
            "",
            "[None] * missing + list(range(len(shape)))",
            "list(range(len(shape))) + [None] * missing",
        ),
        *MOVED,
    ],
    "compare": [
        ("", "(one > two) - (one < two)", "(one < two) - (one > two)"),
        ("", "rescale(&layer.scale2, two * raise_by)", "rescale(&layer.scale1, two * raise_by)"),
        ("", "<int64_t> 1 << layer.left_shift", "<int64_t> 1"),
        ("", "x2[i * step2]", "x2[i * step1]"),
        ("", "params.input2_zero_point", "params.input1_zero_point"),
        ("", "params.requantization1 is not None", "False"),
    ],
    "concatenation": [
        ("", "row * n", "0"),
        ("", "layer.row_bytes[i]", "layer.row_bytes[0]"),
        ("", "batch * layer.rows", "layer.rows"),
        ("", "inputs[0].shape[: params.axis]", "inputs[0].shape[: params.axis + 1]"),
        ("", "x.nbytes // rows", "inputs[0].nbytes // rows"),
    ],
    "conv": [
        (
            "",
            "y * w.stride_y + ky * w.dilation_y - w.top",
            "y * w.stride_y + ky * w.dilation_x - w.top",
        ),
        (
            "",
            "x * w.stride_x + kx * w.dilation_x - w.left",
            "x * w.stride_x + kx * w.dilation_x - w.top",
        ),
        ("", "<activation> layer.input_zero_point", "<activation> 0"),
        ("", "channel // group_outputs * size", "0"),
        ("", "(iy * w.width + ix) * w.channels + group * n", "(iy * w.width + ix) * w.channels"),
        (REQUANTIZE, "sum + by->bias[channel]", "sum"),
        (REQUANTIZE, "scaled + by->zero_point", "scaled"),
        (SIMD, "one << 31 if right > 0 else 0", "0"),
        (SIMD, "max(shift, 0)", "0"),
        (MICRO, "layer->offsets[k]", "layer->offsets[0]"),
        (MICRO, "sums[p * vectors + v] = bias", "sums[p * vectors + v] = load(block->bias)"),
        (MICRO, "block->scaling + i % vectors", "block->scaling"),
        (MICRO, "layer->clamps", "0"),
        (STAGE, "s->zero_point + STAGED_OFFSET", "0 + STAGED_OFFSET"),
    ],
    "depthwise_conv": [
        ("", "oy * w.stride_y + ky * w.dilation_y - w.top", "oy * w.stride_y + ky - w.top"),
        (
            "",
            "ox * w.stride_x + kx * w.dilation_x - w.left",
            "ox * w.stride_y + kx * w.dilation_x - w.left",
        ),
        ("", "<accumulator> value * <accumulator> w[channel]", "<accumulator> 0"),
        ("", "0 <= iy < w.height and 0 <= ix < w.width", "0 <= iy < w.height"),
        (
            "",
            "<accumulator> x[channel] * <accumulator> w[j]",
            "<accumulator> x[channel] * <accumulator> w[0]",
        ),
        ("", "channels // repeat", "channels // repeat - 1"),
        (MICRO, "block + 1 == layer->block_count ? 0 : block + 1", "0"),
        (MICRO, "next_row[v]", "this_row[v]"),
        (STAGE, "from[c] + STAGED_OFFSET", "from[0] + STAGED_OFFSET"),
        (STAGE, "s->zero_point + STAGED_OFFSET", "0 + STAGED_OFFSET"),
    ],
    "dequantize": [
        ("", "<int64_t> x[i] - layer.zero_point", "<int64_t> x[i]"),
        ("", "batch * layer.count", "batch * layer.count - 1"),
        ("", "params.scale", "params.scale * 1.0001"),
        ("", 'dtype == "uint8"', 'dtype == "int16"'),
        ("", 'dtype == "int16"', 'dtype == "uint8"'),
    ],
    "extremum": [
        (
            "",
            "one if (one > two) == layer.largest else two",
            "two if (one > two) == layer.largest else one",
        ),
        ("", "x2[i * step2]", "x2[i * step1]"),
        ("", "x1[i * step1]", "x1[0]"),
        ("", "params.largest", "not params.largest"),
        ("", 'inputs[0].dtype == "int8"', 'inputs[0].dtype == "int16"'),
    ],
    "fully_connected": [
        ("", "layer.weights + channel * layer.in_channels", "layer.weights"),
        ("", "batch * layer.rows", "batch * layer.rows - 1"),
        (REQUANTIZE, "sum + by->bias[channel]", "sum + by->bias[0]"),
        (REQUANTIZE, "scaled + by->zero_point", "scaled"),
        (REQUANTIZE, "(UINT64_C(1) << (right - 1))", "0"),
        (REQUANTIZE, "(INT64_C(1) << (30 + right))", "0"),
        (MICRO, "sums[p * vectors + v] = bias", "sums[p * vectors + v] = load(block->bias)"),
        (MICRO, "layer->clamps", "0"),
    ],
    "gather_at": [
        ("", "positions[i]", "positions[0]"),
        ("", "layer.size - 1", "layer.size"),
        ("", "x + at * layer.slice_bytes", "x + at"),
        ("", "layer.size * layer.slice_bytes", "layer.slice_bytes"),
        ("", "shape[shared:axis]", "shape[:axis]"),
        ("", "inputs[1].shape[shared:]", "inputs[1].shape"),
    ],
    "gather": [
        ("", "params.indices", "params.indices[::-1]"),
        *MOVED,
    ],
    "l2_normalization": [
        ("", "real * real", "real * (real + 1)"),
        ("", "exponent + 7", "exponent + 6"),
        ("", "params.input_zero_point", "0"),
        (FIXED_POINT, "qh_high_multiply(x, 1518500250)", "x"),
        (FIXED_POINT, "step < 5", "step < 1"),
        (FIXED_POINT, "right < 0 ? 0 : -right", "-right - 1"),
    ],
    "log_softmax": [
        ("", "max(largest, <int> x[i])", "max(largest, <int> x[0])"),
        (
            "",
            "distance < layer.first_ignored and -distance > smallest",
            "distance < layer.first_ignored",
        ),
        (
            "",
            "qh_shift_right_away(layer.scaled[distance] - log_sum, 22)",
            "(layer.scaled[distance] - log_sum) >> 22",
        ),
        ("", "<int64_t> log_sum - (<int64_t> 1 << 31)", "-(<int64_t> 1 << 31)"),
        ("", "distance << params.shift", "distance << (params.shift - 1)"),
        ("", "1 - params.diff_min", "-params.diff_min"),
        (FIXED_POINT, "upper < lower ? upper : lower", "upper"),
    ],
    "lookup": [
        ("", "layer.table + 128", "layer.table + 127"),
        ("", "batch * layer.count", "layer.count"),
        ("", "middle[x[i]]", "middle[x[i] & 127]"),
        ("", "inputs[0].nbytes", "inputs[0].nbytes - 1"),
        ("", "params.table", "params.table[::-1]"),
    ],
    "lstm": [
        ("", "x[i] - layer.input_zero_point", "x[i]"),
        ("", "hidden[i] - layer.hidden_zero_point", "hidden[i]"),
        ("", "keep * cell[at]", "keep * cell[0]"),
        ("", "update * proposal", "update * update"),
        ("", "<int64_t> kept + added", "<int64_t> kept"),
        ("", "layer.time_step * layer.features", "layer.features"),
        ("", "-layer.cell_clip", "-32768"),
    ],
    "max_pool": [
        ("", "max(y[channel], pixel[channel])", "pixel[channel]"),
        ("", "<activation> layer.low", "<activation> 0"),
        ("", "min(<int32_t> y[channel], layer.high)", "<int32_t> y[channel]"),
        (
            "",
            "min(oy * w.stride_y - w.top + w.kernel_height, w.height)",
            "min(oy * w.stride_y - w.top + w.kernel_height - 1, w.height)",
        ),
        ("", "(iy * w.width + ix) * n", "iy * w.width * n"),
        (POOL, "y[c] < high ? y[c] : high", "y[c]"),
        (POOL, "y[c] > pixel[c] ? y[c] : pixel[c]", "pixel[c]"),
    ],
    "mean": [
        ("", "-layer.offset", "0"),
        ("", '(kept, "int64")', '(shape, "int64")'),
        ("", "layer.walk.count1", "layer.walk.count2"),
        ("", "rescale(&layer.scale, sums[i])", "sums[i]"),
        ("", "count * params.input_zero_point", "params.input_zero_point"),
    ],
    "mirror_pad": [
        ("", "1 if repeat_edge else 0", "0"),
        ("", "-at - edge", "-at"),
        ("", "2 * (size - 1) - at + edge", "2 * (size - 1) - at"),
        ("", "i - before", "i"),
        *MOVED,
    ],
    "mul": [
        ("", "x1 - layer.zero_point1", "x1"),
        ("", "x2 - layer.zero_point2", "x2 - layer.zero_point1"),
        (
            "",
            "rescale(&layer.scale, product) + layer.output_zero_point",
            "rescale(&layer.scale, product)",
        ),
        ("", "x2[i * step2]", "x2[i * step1]"),
        (BYTES, "(numbers)x2 - layer->zero_point2", "(numbers)x2 - layer->zero_point1"),
        ("", "params.activation_range", "(-128, 127)"),
    ],
    "pad": [
        ("", "layer.out_bytes // layer.itemsize", "layer.out_bytes // layer.itemsize - 1"),
        ("", "y + at", "y"),
        ("", "index[axis] * layer.stride[axis]", "layer.stride[axis]"),
        ("", "<short> layer.value", "<short> 0"),
        ("", "params.value", "0"),
        ("", "in_shape[axis]", "out_shape[axis]"),
    ],
    "prelu": [
        ("", "real >= 0", "real >= -1"),
        ("", "real * layer.alpha[i]", "real * layer.alpha[0]"),
        ("", "real + layer.output_zero_point", "real"),
        ("", "<int64_t> x[i] - layer.input_zero_point", "<int64_t> x[i]"),
        ("", "params.negative", "params.positive"),
    ],
    "quantize": [
        ("", "fabs(steps) + 0.5", "fabs(steps)"),
        ("", "value + layer.output_zero_point", "value"),
        ("", "load(layer, inputs[0], i) - layer.input_zero_point", "load(layer, inputs[0], i)"),
        ("", "x / layer.scale", "<double> x / layer.scale"),
        ("", "steps < 0", "steps < -1"),
        ("", "params.input_zero_point", "0"),
    ],
    "pair_lookup": [
        ("", "<Py_ssize_t> one[i * step1] * 256", "<Py_ssize_t> one[0] * 256"),
        ("", "two[i * step2]", "two[i * step1]"),
        ("", "<const schar *> table + 128 * 256 + 128", "<const schar *> table + 128 * 256 + 127"),
        ("", "<const schar *> x2", "<const schar *> x1"),
        ("", "params.table", "params.table[::-1]"),
    ],
    "conv_integer": [
        ("", "pixel[i] - zero_point", "pixel[i]"),
        ("", "ky * w.dilation_y", "ky * w.dilation_x"),
        ("", "channel // layer.group_outputs", "channel % layer.group_outputs"),
        ("", "zero_points[sample]", "zero_points[0]"),
        ("", "0 <= iy < w.height and 0 <= ix < w.width", "iy < w.height and ix < w.width"),
        ("", "out_c // (shape[3] // in_c)", "out_c"),
    ],
    "matmul_integer": [
        ("", "left[row * layer.depth + i] - zero_point1", "left[row * layer.depth + i]"),
        ("", "right[i * layer.columns + column]", "right[i * layer.columns]"),
        ("", "layer.start2[matrix]", "layer.start1[matrix]"),
        ("", "zero_points2[sample]", "zero_points1[sample]"),
        ("", "inputs[1].nbytes", "inputs[0].nbytes"),
    ],
    "dynamic_quantize": [
        ("", "(high - low) / 255 if high != low else 1", "(high - low) / 255"),
        ("", "rintf(0 - low / scale)", "0 - low / scale"),
        ("", "rintf(x[i] / scale)", "x[i] / scale"),
        ("", "fmaxf(high, x[i])", "x[i]"),
        ("", "fminf(fmaxf(x, low), high)", "fminf(x, high)"),
    ],
    "reduce_extremum": [
        ("", "(value > result[0]) == largest", "(value > result[0])"),
        ("", "results + i * results_step", "results"),
        ("", "x[i * step]", "x[0]"),
        ("", "lowest if layer.largest else -1 - lowest", "0"),
        ("", "layer.walk.count1", "layer.walk.count2"),
    ],
    "reshape": [
        ("", "(<const Py_ssize_t *> data)[0]", "0"),
        ("", "(<const Py_ssize_t *> data)[0]", "(<const Py_ssize_t *> data)[0] - 1"),
        ("", "inputs[0].nbytes", "inputs[0].nbytes // 2"),
        ("", "outputs[0]", "<char *> outputs[0] + 1"),
        ("", "(<const Py_ssize_t *> data)[0]", "(<const Py_ssize_t *> data)[0] // 3"),
    ],
    "resize_bilinear": [
        ("", "layer.rows.high[oy]", "layer.rows.low[oy]"),
        ("", "layer.columns.high[ox]", "layer.columns.low[ox]"),
        ("", "before * (ONE - across) + after * across", "before * ONE"),
        ("", "ties_up or total >= 0", "True"),
        ("", "HALF - total", "-total"),
        ("", "layer.height * layer.width * layer.channels", "layer.width * layer.channels"),
    ],
    "resize_nearest": [
        ("", "params.rows", "params.rows[::-1]"),
        ("", "params.columns", "params.columns[::-1]"),
        *MOVED,
    ],
    "select": [
        ("", "condition[layer.at[0][i]]", "condition[0]"),
        ("", "layer.at[2][i]", "layer.at[1][i]"),
        ("", "layer.at[1][i]", "0"),
        ("", "layer.operand[2]", "layer.operand[1]"),
        ("", "layer.operand[0]", "layer.operand[1]"),
    ],
    "sigmoid": [
        (SIGMOID, "mirrored + 511", "mirrored + 512"),
        ("", 'params.function == "tanh"', "False"),
        (SIGMOID, "(INT64_C(1) << by->shift) >> 1", "0"),
        (SIGMOID, "fraction * ((int64_t)table[index + 1] - table[index])", "0"),
        (
            SIGMOID,
            "((1 << 23) - qh_sigmoid_at(by->table, -steps, 8, 0xFFFF) + 127)",
            "((1 << 23) - qh_sigmoid_at(by->table, -steps, 8, 0xFFFF) + 128)",
        ),
        (SIGMOID, "index >= 255", "index >= 250"),
    ],
    "softmax": [
        ("", "max(largest, <int> x[i])", "max(largest, <int> x[0])"),
        ("", "qh_shift_right_away(layer.exps[distance], 12)", "layer.exps[distance] >> 13"),
        ("", "12 - zeros + 31 - layer.bits", "12 - zeros + 30 - layer.bits"),
        ("", "1 - params.diff_min", "-params.diff_min"),
        (FIXED_POINT, "step < 3", "step < 1"),
        (FIXED_POINT, "(a & (quarter - 1)) - quarter", "(a & (quarter - 1))"),
        (FIXED_POINT, "qh_shift_right_away(sixth + x2, 1)", "0"),
    ],
    "softmax_int16": [
        ("", "(entry[1] - entry[0]) * (at & 127) + 64", "(entry[1] - entry[0]) * (at & 127)"),
        ("", "x - largest", "x - largest + 1"),
        ("", "(<int64_t> 1 << (31 - zeros)) >> 1", "0"),
        ("", "(1 << 13)", "0"),
        ("", "max(largest, <int32_t> x[i])", "max(largest, <int32_t> x[0])"),
        ("", "normal - (1 << 15) - (1 << 16)", "normal - (1 << 15) - (1 << 16) + 64"),
    ],
    "squared_difference": [
        ("", "(one - two) * (one - two)", "(one - two) * (one + two)"),
        ("", "(x2 - layer.zero_point2) * raise_by", "(x2 - layer.zero_point1) * raise_by"),
        ("", "x1 - layer.zero_point1", "x1"),
        ("", "x2[i * step2]", "x2[i * step1]"),
        ("", "params.input2_zero_point", "params.input1_zero_point"),
    ],
    "strided_slice": [
        ("", "begin + stride * i", "begin + i"),
        ("", "params.begin", "params.stride"),
        *MOVED,
    ],
    "svdf": [
        ("", "x[i] - layer.input_zero_point", "x[i]"),
        ("", "<int64_t> state[i] - layer.state_zero_point", "<int64_t> state[i]"),
        ("", "(layer.memory - 1) * sizeof(activation)", "(layer.memory - 1)"),
        ("", "history + 1", "history"),
        ("", "(unit + 1) * span", "(unit + 1) * span - 1"),
        ("", "layer.bias[unit]", "0"),
        (
            "",
            "rescale(&layer.output_scale, <int32_t> acc) + layer.output_zero_point",
            "rescale(&layer.output_scale, <int32_t> acc)",
        ),
    ],
    "transpose": [
        ("", "params.permutation", "range(len(positions))"),
        *MOVED,
    ],
    "transpose_conv": [
        ("", "0 <= oy + ky < layer.out_height", "0 < oy + ky < layer.out_height"),
        ("", "0 <= ox + kx < layer.out_width", "0 <= ox + kx < layer.out_width - 1"),
        ("", "layer.corrections[tap + channel]", "0"),
        ("", "iy * layer.stride_y - layer.top", "iy * layer.stride_x - layer.top"),
        ("", "i % layer.out_channels", "0"),
        ("", "(tap + channel) * layer.channels", "channel * layer.channels"),
    ],
}


@pytest.mark.parametrize("op", FAULTS)
def test_every_planted_fault_is_caught(op, tmp_path):
    faults = [(name or f"{op}.pyx", old, new) for name, old, new in FAULTS[op]]
    build(tmp_path, op, faults)
    missed = survivors(tmp_path, op, len(faults))
    assert [faults[n - 1] if n else "seen without a fault" for n in missed] == []


def test_every_kernel_has_five_faults():
    assert set(FAULTS) == set(LAYERS)
    assert {op: len(faults) for op, faults in FAULTS.items() if len(faults) < 5} == {}
