"""Packing of layers for the vectorized kernels of cython_src/simd, and the choice among them."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport rounding_code

import math
import os

import numpy as np

from qembed._host._kernel import reduced_multipliers
from qembed.errors import ToolError

PORTABLE = "portable"
SLACK = 256  # staged activations that a vector load may read past the last one
PRODUCTS_A_PART = 100_000  # of one layer and sample: worth half a microsecond of a thread
VALUES_A_PART = 4096  # that a pooling layer reads

NO_PROOF = {
    "form": QH_EXACT, "slope": 0.0, "offset": 0.0, "negative_slope": 0.0, "negative_offset": 0.0,
    "move": 0,
}

PRETENDED = []
"""Name of the instruction set that layers are packed for, if not one of this machine: `pretend`."""


def pretend(name):
    """Pack layers for any instruction set, to be run elsewhere; None: for this machine again.

    Models made meanwhile cannot be run. Tests carry what their kernels hold to an emulator.
    """
    PRETENDED[:] = [] if name is None else [name]


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
    if PRETENDED:
        return PRETENDED[0]
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


cdef object lane_channels(int lanes, int vectors):
    """Channel of each (vector, lane) of a block: see qh_block."""
    vector, lane = np.arange(vectors)[:, None], np.arange(lanes)[None, :]
    return 4 * vectors * (lane // 4) + 4 * vector + lane % 4


cdef object reach(object params, object rows, object dtype):
    """Least and most accumulator of each channel, (O,) int64 each.

    `rows` are the weights that each output channel sums, (O, K).
    """
    limits = np.iinfo(dtype)
    least_x, most_x = limits.min - params.input_zero_point, limits.max - params.input_zero_point
    positive = np.maximum(rows, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(rows, 0).sum(axis=1, dtype=np.int64)
    return (
        params.bias + positive * least_x + negative * most_x,
        params.bias + positive * most_x + negative * least_x,
    )


cdef qh_proof proof_of(object params, object by, int at, int64_t least, int64_t most):
    """Scaling of channel `at` of a requantization, over what its accumulators reach."""
    cdef qh_channel channel
    channel.rounding = rounding_code(by.rounding)
    channel.zero_point = params.output_zero_point
    channel.low, channel.high = params.activation_range
    channel.multiplier, channel.shift = by.multiplier[at], by.shift[at]
    channel.real = -1 if by.real is None else by.real[at]
    channel.least, channel.most = least, most
    return qh_prove(&channel)


cdef const qh_isa *isa_of(
    object params, object rows, object dtype, list proofs
) except? NULL:
    """Instruction set that a layer with sums of products is packed for; NULL for none.

    Appends the scaling of each channel to `proofs`.
    """
    cdef const qh_isa *isa = chosen_isa()
    by = params.requantization
    if isa == NULL or (dtype == "int8" and by.rounding == "wide"):
        return NULL
    least, most = reach(params, rows, dtype)
    if least.min() < -(1 << 31) or most.max() >= 1 << 31:
        return NULL
    if dtype == "int16":
        if isa.words == NULL or by.real is not None or by.shift.max() > 0:
            return NULL
        proofs.extend([NO_PROOF] * len(rows))
        return isa.words
    per_channel = len(by.multiplier) > 1
    for channel in range(len(rows)):
        proofs.append(
            proof_of(params, by, channel if per_channel else 0, least[channel], most[channel])
        )
    # The exact form is that of the fixed-point recipes.
    if by.real is not None and any(proof["form"] == QH_EXACT for proof in proofs):
        return NULL
    return isa


cdef int set_lane(qh_scaling *by, int lane, object params, int channel, object proof) except -1:
    """Scaling of one lane. The exact form follows requantize.h."""
    cdef int half = lane // 2 + (8 if lane % 2 else 0)
    requantization = params.requantization
    cdef int at = channel if requantization.shift.size > 1 else 0
    cdef int64_t shift = requantization.shift[at]
    cdef int64_t right = -shift if shift < 0 else 0
    cdef int64_t one = 1
    by.form = max(by.form, <int> proof["form"])
    by.slope[lane], by.offset[lane] = proof["slope"], proof["offset"]
    by.negative_slope[lane] = proof["negative_slope"]
    by.negative_offset[lane] = proof["negative_offset"]
    if requantization.real is not None:
        return 0
    by.multiplier[lane] = reduced_multipliers(requantization)[at]
    if requantization.rounding != "double":
        right = (15 if requantization.rounding == "wide" else 31) - shift
        by.half[half] = one << (right - 1)
        by.right[half] = right
    else:
        by.left[lane] = max(shift, 0)
        by.half[half] = (one << 30) + (one << (30 + right) if right > 0 else 0)
        by.tie[half] = one << 31 if right > 0 else 0
        by.right[half] = 31 + right
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
    staging.window_height = (kernel[0] - 1) * dilation[0] + 1
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


cdef bint pack_conv(
    Kernel kernel, qh_sums *layer, object params, object weights, object dtype, object in_shape,
    object out_shape,
) except -1:
    """Make a vectorized kernel of a convolution; False if there is none for it.

    `weights` are (O, KH, KW, I); a fully connected layer is a convolution with 1x1 windows.
    """
    cdef qh_block *blocks
    groups = in_shape[3] // weights.shape[3]
    stride = getattr(params, "stride", (1, 1))
    dilation = getattr(params, "dilation", (1, 1))
    rows = weights.reshape(weights.shape[0], -1)
    proofs = []
    cdef const qh_isa *isa = isa_of(params, rows, dtype, proofs)
    if isa == NULL:
        return False

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
    layer.clamps = narrows(params, dtype)
    bias = staged_bias(isa, params, rows)
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

    kernel.data, kernel.run, kernel.run_part = layer, isa.sums, isa.sums_part
    kernel.packed = "sums" if dtype == "int8" else "sums of words", <size_t> layer, sizeof(qh_sums)
    parts = max(layer.images * layer.rows * layer.columns // 16, len(plan))
    if not layer.flat:
        parts = layer.rows if layer.images == 1 else 1
    products = layer.images * layer.rows * layer.columns * weights.size
    kernel.most_parts = max(1, min(parts, products // PRODUCTS_A_PART))
    return True


cdef bint narrows(object params, object dtype) except -1:
    """Whether the clamp of a layer is narrower than its type."""
    limits = np.iinfo(dtype)
    return tuple(params.activation_range) != (limits.min, limits.max)


cdef bint pack_depthwise(
    Kernel kernel, qh_depthwise *layer, object params, object dtype, object in_shape,
    object out_shape,
) except -1:
    """Make a vectorized kernel of a depthwise convolution; False if there is none for it."""
    cdef qh_block *blocks
    weights = params.weights
    kernel_height, kernel_width, channels = weights.shape
    taps = weights.reshape(-1, channels)
    proofs = []
    cdef const qh_isa *isa = isa_of(params, taps.T, dtype, proofs)
    if isa == NULL:
        return False
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
    layer.clamps = narrows(params, dtype)
    bias = staged_bias(isa, params, taps.T)
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

    kernel.data, kernel.run, kernel.run_part = layer, isa.depthwise, isa.depthwise_part
    kind = "depthwise" if dtype == "int8" else "depthwise of words"
    kernel.packed = kind, <size_t> layer, sizeof(qh_depthwise)
    products = layer.rows * layer.row_values * len(taps)
    parts = min(layer.rows, 4 * products // PRODUCTS_A_PART) if layer.images == 1 else 1
    kernel.most_parts = max(1, parts)
    return True


cdef bint prove_add(const signed char *sums, int32_t low, int32_t high, float *line):
    """See staircase.h."""
    return qh_prove_add(sums, low, high, line)


cdef bint pack_mul(Kernel kernel, qh_mul *layer, object params) except -1:
    """Fill in a product of two int8 tensors; False if its rounding is no fixed-point recipe."""
    cdef qh_proof proof
    cdef qh_scaling *scaling
    cdef int lane
    by = params.requantization
    if by.real is not None or by.rounding == "wide":
        return False
    zero_points = params.input1_zero_point, params.input2_zero_point
    ends = [(-128 - zero, 127 - zero) for zero in zero_points]
    products = [one * two for one in ends[0] for two in ends[1]]
    proof = proof_of(params, by, 0, min(products), max(products))
    layer.zero_point1, layer.zero_point2 = zero_points
    layer.zero_point = params.output_zero_point
    layer.low, layer.high = params.activation_range
    layer.move = proof.move if proof.form != QH_EXACT else 0
    scaling = <qh_scaling *> kernel.hold(np.zeros(sizeof(qh_scaling), np.uint8))
    layer.scaling = scaling
    for lane in range(QH_MAX_LANES):
        set_lane(scaling, lane, params, 0, proof)
    return True


cdef bint pack_pool(
    Kernel kernel, qh_pool *layer, object params, object inputs, object outputs, bint largest
) except -1:
    """Make a vectorized kernel of a pooling layer; False if there is none for it."""
    cdef const qh_isa *isa = chosen_isa()
    if isa == NULL or inputs.dtype != "int8":
        return False
    layer.images, layer.height, layer.width, layer.channels = inputs.shape
    layer.rows, layer.columns = outputs.shape[1:3]
    layer.window_y, layer.window_x = params.window
    layer.stride_y, layer.stride_x = params.stride
    layer.top, layer.left = params.padding[0][0], params.padding[1][0]
    layer.low, layer.high = params.activation_range
    kernel.data = layer
    kernel.run = isa.max_pool if largest else isa.average_pool
    kernel.run_part = isa.max_pool_part if largest else isa.average_pool_part
    kernel.packed = "max" if largest else "average", <size_t> layer, sizeof(qh_pool)
    parts = layer.rows if layer.images == 1 else 1
    kernel.most_parts = max(1, min(parts, inputs.nbytes // VALUES_A_PART))
    return True
