"""Packing of layers for the vectorized kernels of cython_src/simd, and the choice among them."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport rounding_code

import math
import os

import numpy as np

from qembed.errors import ToolError

PORTABLE = "portable"
SLACK = 256  # staged activations that a vector load may read past the last one


def available():
    """Names that ``QEMBED_ISA`` may have on this machine, best first."""
    names = []
    cdef int i = 0
    while qh_isas[i] != NULL:
        if qh_isas[i].supported():
            names.append(qh_isas[i].name.decode())
        i += 1
    return (*names, PORTABLE)


def chosen():
    """Name of the instruction set that a model made now would use.

    Raises
    ------
    ToolError
        If ``QEMBED_ISA`` names none of this machine.
    """
    names = available()
    name = os.environ.get("QEMBED_ISA") or names[0]
    if name not in names:
        raise ToolError(f"QEMBED_ISA is '{name}'; this machine has {', '.join(names)}")
    return name


def peak(Py_ssize_t repeats):
    """Multiply registers with the chosen instruction set; return how many products were summed.

    Timed by the caller, it is the practical peak of a core. 0 with the portable kernels.
    """
    cdef const qh_isa *isa = chosen_isa()
    return isa.peak(repeats) if isa != NULL else 0


cdef const qh_isa *chosen_isa() except? NULL:
    """Table of the chosen instruction set; NULL for the portable kernels."""
    name = chosen()
    cdef int i = 0
    while qh_isas[i] != NULL:
        if qh_isas[i].name.decode() == name:
            return qh_isas[i]
        i += 1
    return NULL


cdef Py_ssize_t up(Py_ssize_t count, Py_ssize_t size):
    """How many pieces of `size` hold `count`."""
    return (count + size - 1) // size


cdef bint is_vectorizable(object params, object inputs) except -1:
    """Whether a layer with sums of products has vectorized kernels."""
    rounding = params.requantization.rounding
    return inputs[0].dtype == "int8" and rounding in ("double", "single")


cdef object lane_channels(int lanes, int vectors):
    """Channel of each (vector, lane) of a block: see qh_block."""
    vector, lane = np.arange(vectors)[:, None], np.arange(lanes)[None, :]
    return 4 * vectors * (lane // 4) + 4 * vector + lane % 4


def prove(params, rows):
    """Find the scaling of each channel of a layer: a list of `qh_proof` as dicts.

    `rows` are the weights that each output channel sums, (O, K).
    """
    by = params.requantization
    channels = len(rows)
    multiplier = np.broadcast_to(by.multiplier, channels)
    shift = np.broadcast_to(by.shift, channels)
    least_x, most_x = -128 - params.input_zero_point, 127 - params.input_zero_point
    positive = np.maximum(rows, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(rows, 0).sum(axis=1, dtype=np.int64)
    least = params.bias + positive * least_x + negative * most_x
    most = params.bias + positive * most_x + negative * least_x

    cdef qh_channel channel
    cdef int i
    channel.rounding = rounding_code(by.rounding)
    channel.zero_point = params.output_zero_point
    channel.low, channel.high = params.activation_range
    proofs = []
    for i in range(channels):
        channel.multiplier, channel.shift = multiplier[i], shift[i]
        channel.least, channel.most = least[i], most[i]
        proofs.append(qh_prove(&channel))
    return proofs


cdef int set_lane(qh_scaling *by, int lane, object params, int channel, object proof) except -1:
    """Scaling of one lane. The exact form follows requantize.h."""
    cdef int half = lane // 2 + (8 if lane % 2 else 0)
    requantization = params.requantization
    cdef int at = channel if requantization.shift.size > 1 else 0
    cdef int64_t shift = requantization.shift[at]
    cdef int64_t right = -shift if shift < 0 else 0
    cdef int64_t one = 1
    by.slope[lane], by.offset[lane] = proof["slope"], proof["offset"]
    by.negative_slope[lane] = proof["negative_slope"]
    by.negative_offset[lane] = proof["negative_offset"]
    by.multiplier[lane] = requantization.multiplier[at]
    if requantization.rounding == "single":
        by.half[half] = one << (30 - shift)
        by.right[half] = 31 - shift
    else:
        by.left[lane] = max(shift, 0)
        by.half[half] = (one << 30) + (one << (30 + right) if right > 0 else 0)
        by.tie[half] = one << 31 if right > 0 else 0
        by.right[half] = 31 + right
    by.form = max(by.form, <int> proof["form"])
    return 0


cdef int set_block(
    Kernel kernel, qh_block *block, const qh_isa *isa, object params, object bias, object proofs,
    object weights, object channels, bint one_form,
) except -1:
    """Pack a block.

    `channels`: of each (vector, lane), -1 where there is none. `bias`, `proofs`: of all channels.
    `weights`: (vectors, lanes, steps, step). `one_form`: all vectors take the most general.
    """
    cdef int vector, lane
    cdef qh_scaling *scaling
    vectors, lanes = channels.shape
    packed = weights.transpose(2, 0, 1, 3)
    block.weights = kernel.hold(packed.astype(np.int8 if isa.staged_bytes == 1 else np.int16))
    starts = np.zeros(channels.shape, np.int64)
    scaling = <qh_scaling *> kernel.hold(np.zeros(vectors * sizeof(qh_scaling), np.uint8))
    block.form = 0
    for vector in range(vectors):
        for lane in range(lanes):
            channel = channels[vector, lane]
            if channel >= 0:
                set_lane(&scaling[vector], lane, params, channel, proofs[channel])
        block.form = max(block.form, scaling[vector].form)
    for vector in range(vectors):
        if one_form:
            scaling[vector].form = block.form
        is_real = channels[vector] >= 0
        real = channels[vector][is_real]
        starts[vector][is_real] = bias[real]
        if scaling[vector].form != QH_EXACT:  # lines start where their proofs moved them
            starts[vector][is_real] += [proofs[channel]["move"] for channel in real]
    # Sums wrap in 32 bits: only the last one, which fits, counts.
    block.bias = <const int32_t *> kernel.hold(starts.astype(np.uint32).view(np.int32))
    block.scaling = scaling
    block.vectors = vectors
    return 0


cdef object staged_bias(const qh_isa *isa, object params, object rows):
    """Bias that makes up for zero point and staging: see simd.h. (O,) int64."""
    staged = params.input_zero_point + isa.staged_offset
    return params.bias.astype(np.int64) - staged * rows.sum(axis=1, dtype=np.int64)


cdef object split_channels(const qh_isa *isa, int count):
    """Vectors of each block that `count` neighbouring channels are computed in."""
    blocks = []
    while count > 0:
        vectors = up(count, isa.lanes)
        # 1, 2 or 4: what packs into whole vectors.
        vectors = min(isa.most_vectors, 2 if vectors == 3 else vectors)
        vectors = 4 if vectors >= 4 else vectors
        blocks.append(vectors)
        count -= vectors * isa.lanes
    return blocks


cdef int set_staging(
    qh_staging *staging, object params, object in_shape, object out_shape, object kernel,
    int repeat, int phases,
) except -1:
    """Staging that all windows of a layer lie in; returns nothing."""
    dilation = getattr(params, "dilation", (1, 1))
    staging.height, staging.width, staging.channels = in_shape[1:]
    staging.top, staging.left = params.padding[0][0], params.padding[1][0]
    needed = [
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip(out_shape[1:3], params.stride, kernel, dilation, strict=True)
    ]
    staging.bottom = max(0, needed[0] - staging.top - staging.height)
    staging.right = max(0, needed[1] - staging.left - staging.width)
    staging.repeat, staging.phases = repeat, phases
    staging.zero_point = params.input_zero_point
    return 0


cdef Py_ssize_t staged_values(const qh_staging *staging):
    return (
        (staging.top + staging.height + staging.bottom)
        * (staging.left + staging.width + staging.right)
        * staging.channels
        * staging.repeat
    )


cdef object several_pixels(object weights, int lanes, int stride, object out_shape):
    """Fill a vector with the few channels of several neighbouring pixels.

    They are channels of one window that spans the windows of all. Returns the weights
    (pixels * O, KH, wider KW, I) and the number of pixels.
    """
    out_channels, height, width, inputs = weights.shape
    pixels = 1
    while 2 * pixels * out_channels <= lanes and out_shape[2] % (2 * pixels) == 0:
        pixels *= 2
    wide = np.zeros((pixels, out_channels, height, width + (pixels - 1) * stride, inputs), np.int8)
    for pixel in range(pixels):
        wide[pixel, :, :, pixel * stride : pixel * stride + width] = weights
    return wide.reshape(-1, *wide.shape[2:]), pixels


cdef int pack_conv(
    Kernel kernel, qh_sums *layer, const qh_isa *isa, object params, object weights,
    object in_shape, object out_shape,
) except -1:
    """Pack a convolution with weights (O, KH, KW, I); a fully connected layer is a 1x1 one."""
    cdef qh_block *blocks
    groups = in_shape[3] // weights.shape[3]
    stride = getattr(params, "stride", (1, 1))
    dilation = getattr(params, "dilation", (1, 1))
    rows = weights.reshape(weights.shape[0], -1)

    window = weights.shape[1:3]
    is_pixel = window == (1, 1) and not np.any(getattr(params, "padding", 0))
    layer.flat = is_pixel and tuple(stride) == (1, 1)
    layer.sampled = is_pixel and not layer.flat
    if groups == 1 and dilation[1] == 1 and not is_pixel:
        weights, pixels = several_pixels(weights, isa.lanes, stride[1], out_shape)
    else:
        pixels = 1
    out_channels, kernel_height, kernel_width, inputs = weights.shape
    layer.images, layer.rows = out_shape[:2]
    layer.columns, layer.out_channels = out_shape[2] // pixels, out_channels
    if layer.flat:
        layer.staging.channels = in_shape[3]
        values = max(QH_FLAT_VALUES, 16 * in_shape[3])
    else:
        set_staging(&layer.staging, params, in_shape, out_shape, window, 1, 1)
        values = staged_values(&layer.staging)
    pitch = (layer.staging.left + layer.staging.width + layer.staging.right) * in_shape[3]
    layer.stride_y, layer.pixel_stride = stride[0], pixels * stride[1] * in_shape[3]
    layer.row_stride = pitch if layer.sampled else stride[0] * pitch
    kernel.scratch_bytes = (values + SLACK) * isa.staged_bytes

    # Activations that lie side by side are one run: a window's row, if nothing comes between.
    if dilation[1] == 1 and groups == 1:
        runs = weights.reshape(out_channels, kernel_height, kernel_width * inputs)
        starts = [ky * dilation[0] * pitch for ky in range(kernel_height)]
    else:
        runs = weights.reshape(out_channels, kernel_height * kernel_width, inputs)
        starts = [
            ky * dilation[0] * pitch + kx * dilation[1] * in_shape[3]
            for ky in range(kernel_height)
            for kx in range(kernel_width)
        ]
    steps = up(runs.shape[2], isa.step)
    padded = np.zeros((out_channels, len(starts), steps * isa.step), np.int8)
    padded[:, :, : runs.shape[2]] = runs
    padded = padded.reshape(out_channels, len(starts) * steps, isa.step)
    offsets = np.array(starts)[:, None] + isa.step * np.arange(steps)[None, :]
    layer.steps = offsets.size
    layer.offsets = <const int32_t *> kernel.hold(offsets.astype(np.int32))

    layer.zero_point = params.output_zero_point
    layer.low, layer.high = params.activation_range
    layer.clamps = (layer.low, layer.high) != (-128, 127)
    bias, proofs = staged_bias(isa, params, rows), prove(params, rows)
    plan = [
        (group, vectors)
        for group in range(groups)
        for vectors in split_channels(isa, out_channels // groups)
    ]
    layer.block_count = len(plan)
    blocks = <qh_block *> kernel.hold(np.zeros(len(plan) * sizeof(qh_block), np.uint8))
    layer.blocks = blocks
    first = 0
    for i, (group, vectors) in enumerate(plan):
        end = (group + 1) * (out_channels // groups)
        channels = first + lane_channels(isa.lanes, vectors)
        channels = np.where(channels < end, channels, -1)
        chosen_weights = padded[channels] * (channels >= 0)[:, :, None, None]
        channels = np.where(channels >= 0, channels % len(rows), -1)
        set_block(kernel, &blocks[i], isa, params, bias, proofs, chosen_weights, channels, False)
        blocks[i].first_channel = first
        blocks[i].channels = min(vectors * isa.lanes, end - first)
        blocks[i].input_offset = group * inputs
        first += blocks[i].channels
    return 0


cdef int pack_depthwise(
    Kernel kernel, qh_depthwise *layer, const qh_isa *isa, object params,
    object in_shape, object out_shape,
) except -1:
    """Pack a depthwise convolution."""
    cdef qh_block *blocks
    weights = params.weights
    kernel_height, kernel_width, channels = weights.shape
    taps = weights.reshape(-1, channels)
    stride, dilation = params.stride, params.dilation
    set_staging(
        &layer.staging, params, in_shape, out_shape, weights.shape[:2],
        channels // in_shape[3], stride[1],
    )
    width = layer.staging.left + layer.staging.width + layer.staging.right
    layer.pitch = width * channels
    layer.images, layer.rows = out_shape[:2]
    layer.row_values = out_shape[2] * channels
    layer.stride_y = stride[0]
    layer.rolling = weights.shape[:2] == (3, 3) and dilation[0] == 1 and stride[0] in (1, 2)
    kernel.scratch_bytes = (staged_values(&layer.staging) + SLACK) * isa.staged_bytes

    # Where each tap of a window row lies: its phase, then its place in the phase.
    phase_starts = np.cumsum([0, *(up(width - p, stride[1]) for p in range(stride[1]))])
    in_row = [
        (phase_starts[x % stride[1]] + x // stride[1]) * channels
        for x in (kx * dilation[1] for kx in range(kernel_width))
    ]
    if layer.rolling:
        groups_a_row = up(3, isa.step)
        tap_of = np.full((3, groups_a_row * isa.step), -1)
        tap_of[:, :3] = np.arange(9).reshape(3, 3)
        tap_of = tap_of.reshape(-1, isa.step)
        offsets = np.zeros(groups_a_row * isa.step)
        offsets[:3] = in_row
    else:
        groups = up(len(taps), isa.step)
        tap_of = np.full(groups * isa.step, -1)
        tap_of[: len(taps)] = np.arange(len(taps))
        tap_of = tap_of.reshape(-1, isa.step)
        offsets = np.zeros(groups * isa.step)
        offsets[: len(taps)] = [
            ky * dilation[0] * layer.pitch + x for ky in range(kernel_height) for x in in_row
        ]
    layer.groups_of_taps = len(tap_of)
    layer.offsets = <const int32_t *> kernel.hold(offsets.astype(np.int32))

    layer.zero_point = params.output_zero_point
    layer.low, layer.high = params.activation_range
    layer.clamps = (layer.low, layer.high) != (-128, 127)
    bias, proofs = staged_bias(isa, params, taps.T), prove(params, taps.T)
    block_values = isa.lanes * isa.step
    layer.block_count = channels // math.gcd(channels, block_values)
    blocks = <qh_block *> kernel.hold(
        np.zeros(layer.block_count * sizeof(qh_block), np.uint8)
    )
    layer.blocks = blocks
    columns = lane_channels(isa.lanes, isa.step)
    for i in range(layer.block_count):
        of_lane = (i * block_values + columns) % channels
        of_taps = taps[tap_of][:, :, of_lane] * (tap_of >= 0)[:, :, None, None]
        set_block(
            kernel, &blocks[i], isa, params, bias, proofs, of_taps.transpose(2, 3, 0, 1), of_lane,
            True,
        )
    return 0


cdef bint prove_add(const signed char *sums, int32_t low, int32_t high, float *line):
    """See staircase.h."""
    return qh_prove_add(sums, low, high, line)


cdef int pack_pool(qh_pool *layer, object params, object in_shape, object out_shape) except -1:
    """Geometry and clamp of a pooling layer."""
    layer.images, layer.height, layer.width, layer.channels = in_shape
    layer.rows, layer.columns = out_shape[1:3]
    layer.window_y, layer.window_x = params.window
    layer.stride_y, layer.stride_x = params.stride
    layer.top, layer.left = params.padding[0][0], params.padding[1][0]
    layer.low, layer.high = params.activation_range
    return 0
