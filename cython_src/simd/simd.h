/* The vectorized host kernels: what a layer looks like to them, and the table of instruction sets.
 *
 * Every instruction set multiplies `step` activations with as many weights into each of its `lanes`
 * int32 lanes at once. Activations are staged first: copied into scratch memory with their padding,
 * as the instructions take them, x + staged_offset. The bias makes up for it:
 *     sum w * (x - z) = sum w * staged - (z + staged_offset) * sum w.
 * Floating point rounds to nearest, ties to even: the executor sees to it.
 */
#ifndef QH_SIMD_H
#define QH_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "../requantize.h"

enum { QH_MAX_LANES = 16 };

/* Activations that are staged together where rows have no neighbours: half of a 64 KiB cache. */
enum { QH_FLAT_VALUES = 1 << 15 };

/* How the sums of one vector of channels become outputs: see staircase.h. */
enum { QH_ONE_LINE = 0, QH_TWO_LINES = 1, QH_EXACT = 2 };

/* Scaling of `lanes` channels, in the order of the lanes. */
typedef struct {
    float slope[QH_MAX_LANES], offset[QH_MAX_LANES];                   /* sums >= 0, or all */
    float negative_slope[QH_MAX_LANES], negative_offset[QH_MAX_LANES]; /* sums < 0 */
    /* The exact form, even lanes first:
     * (((sum << left) * multiplier + half - (sum < 0 ? tie : 0)) >> right) */
    int32_t left[QH_MAX_LANES], multiplier[QH_MAX_LANES];
    int64_t half[QH_MAX_LANES], tie[QH_MAX_LANES], right[QH_MAX_LANES];
    int32_t form;
    int32_t unused[15];
} qh_scaling;

/* A block of output channels that are computed together: `vectors` times `lanes` of them.
 * Lane l of vector v, seen as lane (l / 4) of 128 bits and element (l % 4), is channel
 * 4 * vectors * (l / 4) + 4 * v + l % 4 of the block: then packing needs no shuffle. */
typedef struct {
    const void *weights;       /* [step k][vector][lane][step] */
    const int32_t *bias;       /* [vector][lane] */
    const qh_scaling *scaling; /* [vector] */
    int form;                  /* the most general of its vectors */
    int vectors;
    int channels; /* that are real; the lanes beyond compute nothing of use */
    int first_channel;
    ptrdiff_t input_offset; /* of the group's first input channel */
} qh_block;

/* Staging of one image. */
typedef struct {
    ptrdiff_t height, width, channels; /* of the input */
    ptrdiff_t window_height;           /* rows that a window spans, dilation included */
    ptrdiff_t top, bottom, left, right;
    ptrdiff_t repeat; /* each channel is staged this many times in a row */
    ptrdiff_t phases; /* columns x, x + phases, ... are staged side by side, phase after phase */
    int32_t zero_point;
} qh_staging;

/* CONV_2D and FULLY_CONNECTED. A pixel's sum is that of `steps` products of `step` activations. */
typedef struct {
    qh_staging staging;
    ptrdiff_t images;                   /* per sample */
    ptrdiff_t rows, columns;            /* of output pixels in an image */
    ptrdiff_t row_stride, pixel_stride; /* between windows, in staged activations */
    ptrdiff_t out_channels;
    ptrdiff_t steps;
    const int32_t *offsets; /* of each step in the staged image */
    ptrdiff_t block_count;
    const qh_block *blocks;
    int32_t zero_point, low, high;
    int clamps;  /* the range is narrower than the type */
    int flat;    /* 1: images are only rows of `channels`, any number of pixels at once */
    int sampled; /* 1: windows are single pixels; only every stride_y-th row is staged */
    ptrdiff_t stride_y;
} qh_sums;

/* DEPTHWISE_CONV_2D, over rows of `row_values` = columns * channels values side by side. */
typedef struct {
    qh_staging staging;
    ptrdiff_t images;
    ptrdiff_t rows, row_values;
    ptrdiff_t stride_y;
    ptrdiff_t pitch; /* of staged rows */
    ptrdiff_t groups_of_taps;
    const int32_t *offsets; /* of each tap, `step` a group */
    ptrdiff_t block_count;  /* after so many blocks the channels repeat */
    const qh_block *blocks; /* weights: [group of taps][vector][lane][step] */
    int rolling;            /* three rows, each with the taps of the same offsets */
    int32_t zero_point, low, high;
    int clamps;
} qh_depthwise;

/* Pooling, NHWC. */
typedef struct {
    ptrdiff_t images, height, width, channels, rows, columns;
    ptrdiff_t window_y, window_x, stride_y, stride_x, top, left;
    int32_t low, high;
} qh_pool;

/* ADD: round(x1 * slope1 + (x2 * slope2 + offset)), proved for all pairs. */
typedef struct {
    float slope1, slope2, offset;
    int32_t low, high;
} qh_add;

/* MUL: products (x1 - zero_point1) * (x2 - zero_point2), scaled; all lanes are the same. */
typedef struct {
    const qh_scaling *scaling;
    int32_t zero_point1, zero_point2, move; /* added to the product: see staircase.h */
    int32_t zero_point, low, high;
} qh_mul;

typedef void qh_kernel(const void *layer, const void **inputs, void **outputs, void *scratch,
                       ptrdiff_t batch);

/* One of `parts` parts of a sample, which threads compute side by side. */
typedef void qh_part_kernel(const void *layer, const void **inputs, void **outputs, void *scratch,
                            ptrdiff_t part, ptrdiff_t parts);

/* A row of two operands; each steps by 1, or by 0 where it is one value for all. */
typedef void qh_row(const void *layer, const void *x1, ptrdiff_t step1, const void *x2,
                    ptrdiff_t step2, void *y, ptrdiff_t count);

typedef struct qh_isa {
    const char *name;
    int (*supported)(void);
    int lanes, step, most_vectors;
    int staged_offset, staged_bytes; /* of an activation */
    qh_kernel *sums, *depthwise, *average_pool, *max_pool;
    qh_part_kernel *sums_part, *depthwise_part, *average_pool_part, *max_pool_part;
    qh_row *add, *mul;
    int64_t (*peak)(ptrdiff_t repeats); /* does nothing but multiply; returns how often */
    const struct qh_isa *words;         /* its sums of products of int16 activations */
} qh_isa;

/* Those that some machine has, best first; ends with NULL. */
extern const qh_isa *const qh_isas[];

/* Makes a layer of one image of what one of `parts` threads computes of it, and moves input and
 * output to where that begins. */
void qh_cut_sums(qh_sums *layer, const void **x, void **y, ptrdiff_t value_bytes, ptrdiff_t part,
                 ptrdiff_t parts);
void qh_cut_depthwise(qh_depthwise *layer, const void **x, void **y, ptrdiff_t value_bytes,
                      ptrdiff_t part, ptrdiff_t parts);
void qh_cut_pool(qh_pool *layer, void **y, ptrdiff_t part, ptrdiff_t parts);

#endif
