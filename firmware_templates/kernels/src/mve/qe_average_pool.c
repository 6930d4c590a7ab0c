/* AVERAGE_POOL_2D for Helium: eight channels at a time, summed in halfwords. */
#include "qe_average_pool_mve.h"

#if QE_HAS_MVE

#define CHANNELS 8

/* What a window sees of the input. */
typedef struct {
    const int8_t *from;
    int32_t rows, columns;
} qe_view;

static int32_t at_least(int32_t value, int32_t minimum)
{
    return value < minimum ? minimum : value;
}

static int32_t at_most(int32_t value, int32_t maximum)
{
    return value > maximum ? maximum : value;
}

static qe_view view_at(const qe_average_pool_mve_params *params, const int8_t *input, int32_t row,
                       int32_t column)
{
    const qe_shape in = params->input;
    const int32_t top = row * params->stride.h - params->padding.h;
    const int32_t left = column * params->stride.w - params->padding.w;
    const int32_t y = at_least(top, 0), x = at_least(left, 0);
    const qe_view view = {.from = input + (y * in.w + x) * in.c,
                          .rows = at_most(top + params->window.h, in.h) - y,
                          .columns = at_most(left + params->window.w, in.w) - x};
    return view;
}

static inline int16x8_t sum(const qe_view *view, int32_t c, int32_t row_bytes, mve_pred16_t lanes)
{
    int16x8_t total = vdupq_n_s16(0);
    const int8_t *row = view->from;
    for (int32_t down = view->rows; down > 0; down--, row += row_bytes) {
        const int8_t *x = row;
        for (int32_t left = view->columns; left > 0; left--, x += c) {
            total = vaddq_s16(total, vldrbq_z_s16(x, lanes));
        }
    }
    return total;
}

/* Nearest quotient, ties away from zero: |sum| + count / 2 is below 2^16 and the count, which is at
 * least 2, at most 256, so that `inverse`, floor(2^32 / count) + 1, is exact. */
static inline int32x4_t divide(int32x4_t sums, int32_t count, uint32_t inverse)
{
    const uint32x4_t size =
        vaddq_n_u32(vreinterpretq_u32_s32(vabsq_s32(sums)), (uint32_t)count / 2);
    const int32x4_t quotient = vreinterpretq_s32_u32(vmulhq_u32(size, vdupq_n_u32(inverse)));
    return vnegq_m_s32(quotient, quotient, vcmpltq_n_s32(sums, 0));
}

static void run_pixel(const qe_average_pool_mve_params *params, qe_view view, int8_t *output)
{
    const int32_t c = params->input.c, row_bytes = params->input.w * c;
    const int32_t pixels = view.rows * view.columns;
    const int32_t times = pixels == 1 ? 2 : 1; /* the mean of one pixel is that of two of them */
    const int32_t count = pixels * times;
    const uint32_t inverse = UINT32_MAX / (uint32_t)count + 1;
    for (int32_t left = c; left > 0; left -= CHANNELS) {
        const mve_pred16_t lanes = vctp16q((uint32_t)left);
        const int16x8_t sums = vmulq_n_s16(sum(&view, c, row_bytes, lanes), (int16_t)times);
        const int32x4_t even = divide(vmovlbq_s16(sums), count, inverse);
        const int32x4_t odd = divide(vmovltq_s16(sums), count, inverse);
        const int32x4_t mean = qe_mve_to_byte_pairs(even, odd, 0);
        vstrbq_p_s16(output, vreinterpretq_s16_s32(mean), lanes);
        view.from += CHANNELS;
        output += CHANNELS;
    }
}

void qe_average_pool_mve(const qe_average_pool_mve_params *params, const int8_t *input,
                         int8_t *output)
{
    const qe_shape out = params->output;
    int8_t *to = output;
    for (int32_t row = 0; row < out.h; row++) {
        for (int32_t column = 0; column < out.w; column++) {
            run_pixel(params, view_at(params, input, row, column), to);
            to += out.c;
        }
    }
    qe_mve_clamp(output, out.h * out.w * out.c, &params->quantization);
}

#endif
