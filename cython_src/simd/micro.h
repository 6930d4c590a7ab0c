/* The vectorized kernels themselves, included by each instruction set after it has defined
 *
 *     LANES, STEP, NAME(x)      int32 lanes of a vector; products summed in a lane; a unique name
 *     value, staged             types of an activation and of a staged one
 *     ints, packed              a vector of LANES int32; 4 * LANES values (for `pack4`: or less)
 *     load, store, broadcast    of ints; of STEP activations to every lane
 *     dot(acc, x, w)            acc + sums of STEP products a lane
 *     stage_values(to, from, n) n activations, staged; may write a vector more
 *     fill_values(to, value, n) n staged activations of one value; may write a vector more
 *     KEEP(acc)                 keeps an accumulator in a register
 *     on_line, on_lines         scaling of ints by qh_scaling, in float
 *     exactly                   the same in 64-bit integers; low, high, zero point
 *     pack4                     4 ints to packed, saturating, within 128-bit lanes
 *     clamped                   of packed
 *     pixels_in_order(packed, parts)  gathers what belongs to each of `parts` pixels
 *     store_packed, store_part(out, packed, part, parts, count)   all of it; of pixel `part`
 *     store_flat(out, STEP ints, count, clamps...)  neighbouring values of a depthwise row
 *     spread(x, offsets, out)   STEP rows of activations to STEP vectors of their STEP-tuples
 *     spread3(x, offsets, out)  the same with three rows, in ROW_GROUPS groups
 *
 * and for int8 activations, for bytes.h:
 *
 *     widened(x)                LANES int8 as ints
 *     add_line(layer, x1, x2)   ADD of ints
 *     multiply(sum, x)          dot(sum, x, x) that no compiler leaves out
 */
#include <string.h>

#include "stage.h"

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 96")
#endif
#define INLINE static inline __attribute__((always_inline))

/* Accumulators of a tile. gcc keeps an array in registers only if its size is a literal and every
 * loop over it is unrolled. */
#define TILE 32
#define BYTES ((ptrdiff_t)sizeof(ints)) /* of a vector */

INLINE ints scaled(ints sum, const qh_scaling *by, int form, int32_t zero_point, int32_t low,
                   int32_t high)
{
    if (form == QH_ONE_LINE) {
        return on_line(sum, by);
    }
    return form == QH_TWO_LINES ? on_lines(sum, by) : exactly(sum, by, zero_point, low, high);
}

/* ------------------------------------------------------------------ sums of products */

/* Tile of `pixels` times `vectors` vectors of channels. */
INLINE void tile_sums(const int pixels, const int vectors, const qh_sums *layer,
                      const qh_block *block, const staged *x, ints *sums)
{
    const ptrdiff_t stride = layer->pixel_stride;
    const char *w = block->weights;
    UNROLL for (int v = 0; v < vectors; v++)
    {
        const ints bias = load(block->bias + v * LANES);
        UNROLL for (int p = 0; p < pixels; p++)
        {
            sums[p * vectors + v] = bias;
        }
    }
    for (ptrdiff_t k = 0; k < layer->steps; k++, w += vectors * BYTES) {
        /* Three pixels share a base register: x86 addresses base + {1, 2} * stride. */
        const staged *base[6];
        base[0] = x + layer->offsets[k];
        UNROLL for (int b = 1; b < 6; b++)
        {
            base[b] = base[b - 1] + 3 * stride;
        }
        ints weights[4];
        UNROLL for (int v = 0; v < vectors; v++)
        {
            weights[v] = load(w + v * BYTES);
        }
        UNROLL for (int p = 0; p < pixels; p++)
        {
            const ints activations = broadcast(base[p / 3] + (p % 3) * stride);
            UNROLL for (int v = 0; v < vectors; v++)
            {
                sums[p * vectors + v] = dot(sums[p * vectors + v], activations, weights[v]);
            }
        }
    }
    UNROLL for (int i = 0; i < pixels * vectors; i++)
    {
        KEEP(sums[i]);
    }
}

INLINE void tile_store(const int pixels, const int vectors, const qh_sums *layer,
                       const qh_block *block, const ints *scaled_sums, value *y)
{
    const int parts = 4 / vectors, last = pixels * vectors - 1;
    UNROLL for (int i = 0; i <= last; i += 4)
    {
        packed q = pack4(scaled_sums[i], scaled_sums[i + 1 < last ? i + 1 : last],
                         scaled_sums[i + 2 < last ? i + 2 : last],
                         scaled_sums[i + 3 < last ? i + 3 : last]);
        if (layer->clamps) {
            q = clamped(q, layer->low, layer->high);
        }
        q = pixels_in_order(q, parts);
        value *out = y + i / vectors * layer->out_channels;
        if (parts > 1 && i + 3 <= last && block->channels == vectors * LANES &&
            layer->out_channels == vectors * LANES) {
            store_packed(out, q); /* the pixels are neighbours in memory */
            continue;
        }
        UNROLL for (int part = 0; part < parts; part++)
        {
            if (i / vectors + part < pixels) {
                store_part(out + part * layer->out_channels, q, part, parts, block->channels);
            }
        }
    }
}

/* Scaling where a vector needs the exact form: the sums take a way through memory. */
static __attribute__((noinline)) void NAME(rescale)(const qh_sums *layer, const qh_block *block,
                                                    int32_t *sums, int count)
{
    for (int i = 0; i < count; i++) {
        const qh_scaling *by = block->scaling + i % block->vectors;
        const ints sum = load(sums + i * LANES);
        store(sums + i * LANES,
              scaled(sum, by, by->form, layer->zero_point, layer->low, layer->high));
    }
}

/* gcc spills accumulators that several epilogues use: each form has tiles of its own. */
INLINE void tile(const int form, const int pixels, const int vectors, const qh_sums *layer,
                 const qh_block *block, const staged *x, value *y)
{
    ints sums[TILE];
    tile_sums(pixels, vectors, layer, block, x, sums);
    if (form == QH_EXACT) {
        int32_t memory[TILE * LANES] __attribute__((aligned(64)));
        UNROLL for (int i = 0; i < pixels * vectors; i++)
        {
            store(memory + i * LANES, sums[i]);
        }
        NAME(rescale)(layer, block, memory, pixels * vectors);
        UNROLL for (int i = 0; i < pixels * vectors; i++)
        {
            sums[i] = load(memory + i * LANES);
        }
    } else {
        UNROLL for (int i = 0; i < pixels * vectors; i++)
        {
            const qh_scaling *by = block->scaling + i % vectors;
            sums[i] = form == QH_ONE_LINE ? on_line(sums[i], by) : on_lines(sums[i], by);
        }
    }
    tile_store(pixels, vectors, layer, block, sums, y);
}

/* `rows` rows of `columns` pixels each, in tiles; the last tile of a row reaches back and computes
 * some pixels again rather than fewer at a time. */
INLINE void tiles(const int form, const int pixels, const int vectors, const qh_sums *layer,
                  const qh_block *block, const staged *x, value *y, ptrdiff_t rows,
                  ptrdiff_t columns)
{
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t column = 0; column < columns; column += pixels) {
            column = column > columns - pixels ? columns - pixels : column;
            tile(form, pixels, vectors, layer, block, x + column * layer->pixel_stride,
                 y + column * layer->out_channels);
        }
        x += layer->row_stride;
        y += columns * layer->out_channels;
    }
}

typedef void tiles_function(const qh_sums *, const qh_block *, const staged *, value *, ptrdiff_t,
                            ptrdiff_t);

#define TILES_OF_FORM(form, pixels, vectors)                                                       \
    static void NAME(tiles_##form##_##pixels##_##vectors)(                                         \
        const qh_sums *layer, const qh_block *block, const staged *x, value *y, ptrdiff_t rows,    \
        ptrdiff_t columns)                                                                         \
    {                                                                                              \
        tiles(form, pixels, vectors, layer, block, x, y, rows, columns);                           \
    }
#define TILES(pixels, vectors)                                                                     \
    TILES_OF_FORM(QH_ONE_LINE, pixels, vectors)                                                    \
    TILES_OF_FORM(QH_TWO_LINES, pixels, vectors)                                                   \
    TILES_OF_FORM(QH_EXACT, pixels, vectors)
TILE_SIZES(TILES)
#undef TILES
#undef TILES_OF_FORM

/* The tile that wastes least on a row of `columns` pixels. A step of a tile costs a product for
 * each of its vectors, and at least the loads of `vectors` weights and as many steps of latency. */
static tiles_function *NAME(choose_tiles)(int form, int vectors, ptrdiff_t columns)
{
    static const struct {
        int pixels, vectors;
        tiles_function *function[3]; /* by form */
    } sizes[] = {
#define SIZE(pixels, vectors)                                                                      \
    {pixels,                                                                                       \
     vectors,                                                                                      \
     {NAME(tiles_QH_ONE_LINE_##pixels##_##vectors), NAME(tiles_QH_TWO_LINES_##pixels##_##vectors), \
      NAME(tiles_QH_EXACT_##pixels##_##vectors)}},
        TILE_SIZES(SIZE)
#undef SIZE
    };
    tiles_function *best = NULL;
    ptrdiff_t least = PTRDIFF_MAX;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int pixels = sizes[i].pixels;
        if (sizes[i].vectors == vectors && pixels <= columns) {
            const ptrdiff_t products = pixels * vectors;
            const ptrdiff_t step = (products > 5 ? products : 5) * 8 + 8;
            const ptrdiff_t cost = (columns + pixels - 1) / pixels * step;
            if (cost < least) {
                least = cost;
                best = sizes[i].function[form];
            }
        }
    }
    return best;
}

static void NAME(blocks)(const qh_sums *layer, const staged *x, value *y, ptrdiff_t rows,
                         ptrdiff_t columns)
{
    for (ptrdiff_t b = 0; b < layer->block_count; b++) {
        const qh_block *block = layer->blocks + b;
        NAME(choose_tiles)
        (block->form, block->vectors, columns)(layer, block, x + block->input_offset,
                                               y + block->first_channel, rows, columns);
    }
}

/* Rows without neighbours (1x1 windows, fully connected layers): any number of them at once, as
 * many as fit in the scratch memory. */
static void NAME(sums_flat)(const qh_sums *layer, const value *x, value *y, staged *scratch,
                            ptrdiff_t batch)
{
    const ptrdiff_t channels = layer->staging.channels;
    const ptrdiff_t pixels = batch * layer->images * layer->rows * layer->columns;
    const ptrdiff_t most = QH_FLAT_VALUES / channels > 16 ? QH_FLAT_VALUES / channels : 16;
    for (ptrdiff_t done = 0; done < pixels;) {
        const ptrdiff_t count = pixels - done < most ? pixels - done : most;
        stage_values(scratch, x + done * channels, count * channels);
        NAME(blocks)(layer, scratch, y + done * layer->out_channels, 1, count);
        done += count;
    }
}

static void NAME(sums)(const void *data, const void **inputs, void **outputs, void *scratch,
                       ptrdiff_t batch)
{
    const qh_sums *layer = data;
    const value *x = inputs[0];
    value *y = outputs[0];
    if (layer->flat) {
        NAME(sums_flat)(layer, x, y, scratch, batch);
        return;
    }
    for (ptrdiff_t image = 0; image < batch * layer->images; image++) {
        if (layer->sampled) {
            stage_some_rows(layer, scratch, x);
        } else {
            stage_image(&layer->staging, scratch, x);
        }
        NAME(blocks)(layer, scratch, y, layer->rows, layer->columns);
        x += layer->staging.height * layer->staging.width * layer->staging.channels;
        y += layer->rows * layer->columns * layer->out_channels;
    }
}

/* ------------------------------------------------------------------ depthwise */

/* One group of taps at `x`: its STEP rows of LANES * STEP values, multiplied and added. */
INLINE void add_taps(const staged *x, const int32_t *offsets, const char *weights, ints *sums)
{
    ints tuples[STEP];
    spread(x, offsets, tuples);
    UNROLL for (int v = 0; v < STEP; v++)
    {
        sums[v] = dot(sums[v], tuples[v], load(weights + v * BYTES));
    }
}

INLINE void start_sums(const qh_block *block, ints *sums)
{
    UNROLL for (int v = 0; v < STEP; v++)
    {
        sums[v] = load(block->bias + v * LANES);
    }
}

INLINE void finish_row(const int form, const qh_depthwise *layer, const qh_block *block,
                       const ints *sums, value *y, ptrdiff_t count)
{
    ints outputs[STEP];
    UNROLL for (int v = 0; v < STEP; v++)
    {
        outputs[v] =
            scaled(sums[v], block->scaling + v, form, layer->zero_point, layer->low, layer->high);
    }
    store_flat(y, outputs, layer, count);
}

/* A column of LANES * STEP values, top to bottom. Any window. */
INLINE void column_general(const int form, const qh_depthwise *layer, const qh_block *block,
                           const staged *x, value *y, ptrdiff_t count)
{
    for (ptrdiff_t row = 0; row < layer->rows; row++) {
        ints sums[STEP];
        const char *weights = block->weights;
        start_sums(block, sums);
        for (ptrdiff_t group = 0; group < layer->groups_of_taps; group++) {
            add_taps(x, layer->offsets + group * STEP, weights, sums);
            weights += STEP * BYTES;
        }
        finish_row(form, layer, block, sums, y, count);
        x += layer->stride_y * layer->pitch;
        y += layer->row_values;
    }
}

/* Taps of one input row for one of the three window rows. */
INLINE void add_row(ints (*tuples)[STEP], const char *weights, const int window_row, ints *sums)
{
    weights += window_row * ROW_GROUPS * STEP * BYTES;
    UNROLL for (int group = 0; group < ROW_GROUPS; group++)
    {
        UNROLL for (int v = 0; v < STEP; v++)
        {
            sums[v] = dot_memory(sums[v], tuples[group][v], weights);
            weights += BYTES;
        }
    }
}

/* 3x3: each input row is read and spread once and serves the three (stride 2: one or two) output
 * rows whose windows it lies in. */
INLINE void column_rolling(const int form, const int stride, const qh_depthwise *layer,
                           const qh_block *block, const staged *x, value *y, ptrdiff_t count)
{
    const char *const weights = block->weights;
    /* Locals: y may alias everything that is read through pointers. */
    const ptrdiff_t rows = layer->rows, pitch = layer->pitch, row_values = layer->row_values;
    const ptrdiff_t offsets[3] = {layer->offsets[0], layer->offsets[1], layer->offsets[2]};
    const qh_block local = *block;
    ints this_row[STEP], next_row[STEP], tuples[ROW_GROUPS][STEP];
    start_sums(&local, this_row);
    spread3(x, offsets, tuples);
    x += pitch;
    add_row(tuples, weights, 0, this_row);
    if (stride == 1) {
        start_sums(&local, next_row);
        spread3(x, offsets, tuples);
        x += pitch;
        add_row(tuples, weights, 1, this_row);
        add_row(tuples, weights, 0, next_row);
    }
    for (ptrdiff_t row = 0; row < rows; row++) {
        if (stride == 2) {
            spread3(x, offsets, tuples);
            x += pitch;
            add_row(tuples, weights, 1, this_row);
        }
        spread3(x, offsets, tuples);
        x += pitch;
        add_row(tuples, weights, 2, this_row);
        finish_row(form, layer, &local, this_row, y, count);
        y += row_values;
        if (stride == 1) {
            UNROLL for (int v = 0; v < STEP; v++)
            {
                this_row[v] = next_row[v];
            }
            add_row(tuples, weights, 1, this_row);
            start_sums(&local, next_row);
            add_row(tuples, weights, 0, next_row);
        } else {
            start_sums(&local, this_row);
            add_row(tuples, weights, 0, this_row);
        }
    }
}

typedef void column_function(const qh_depthwise *, const qh_block *, const staged *, value *,
                             ptrdiff_t);

#define COLUMN(form)                                                                               \
    static void NAME(column_##form)(const qh_depthwise *layer, const qh_block *block,              \
                                    const staged *x, value *y, ptrdiff_t count)                    \
    {                                                                                              \
        if (layer->rolling && layer->stride_y == 1) {                                              \
            column_rolling(form, 1, layer, block, x, y, count);                                    \
        } else if (layer->rolling && layer->stride_y == 2) {                                       \
            column_rolling(form, 2, layer, block, x, y, count);                                    \
        } else {                                                                                   \
            column_general(form, layer, block, x, y, count);                                       \
        }                                                                                          \
    }
COLUMN(QH_ONE_LINE)
COLUMN(QH_TWO_LINES)
COLUMN(QH_EXACT)
#undef COLUMN

static void NAME(depthwise)(const void *data, const void **inputs, void **outputs, void *scratch,
                            ptrdiff_t batch)
{
    static column_function *const columns[] = {NAME(column_QH_ONE_LINE), NAME(column_QH_TWO_LINES),
                                               NAME(column_QH_EXACT)};
    const qh_depthwise *layer = data;
    const value *x = inputs[0];
    value *y = outputs[0];
    for (ptrdiff_t image = 0; image < batch * layer->images; image++) {
        stage_image(&layer->staging, scratch, x);
        const staged *rows = scratch;
        for (ptrdiff_t at = 0, block = 0; at < layer->row_values; at += LANES * STEP) {
            const ptrdiff_t left = layer->row_values - at;
            columns[layer->blocks[block].form](layer, layer->blocks + block, rows + at, y + at,
                                               left < LANES * STEP ? left : LANES * STEP);
            block = block + 1 == layer->block_count ? 0 : block + 1;
        }
        x += layer->staging.height * layer->staging.width * layer->staging.channels;
        y += layer->rows * layer->row_values;
    }
}

/* ------------------------------------------------------------------ parts of a sample */

static void NAME(sums_part)(const void *data, const void **inputs, void **outputs, void *scratch,
                            ptrdiff_t part, ptrdiff_t parts)
{
    qh_sums layer = *(const qh_sums *)data;
    const void *x = inputs[0];
    void *y = outputs[0];
    qh_cut_sums(&layer, &x, &y, sizeof(value), part, parts);
    NAME(sums)(&layer, &x, &y, scratch, 1);
}

static void NAME(depthwise_part)(const void *data, const void **inputs, void **outputs,
                                 void *scratch, ptrdiff_t part, ptrdiff_t parts)
{
    qh_depthwise layer = *(const qh_depthwise *)data;
    const void *x = inputs[0];
    void *y = outputs[0];
    qh_cut_depthwise(&layer, &x, &y, sizeof(value), part, parts);
    NAME(depthwise)(&layer, &x, &y, scratch, 1);
}

#define QH_SUM_FIELDS(vectors)                                                                     \
    .lanes = LANES, .step = STEP, .most_vectors = (vectors), .staged_offset = STAGED_OFFSET,       \
    .staged_bytes = (int)sizeof(staged), .sums = NAME(sums), .sums_part = NAME(sums_part),         \
    .depthwise = NAME(depthwise), .depthwise_part = NAME(depthwise_part)
