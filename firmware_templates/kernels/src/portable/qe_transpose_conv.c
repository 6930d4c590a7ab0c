/* Transposed convolution, gathered output by output. Interface: qe_transpose_conv.h. */
#include "qe_transpose_conv.h"

#include "qe_elements.h"

/* Along one axis: what reaches an output pixel. Tap `first` brings input pixel `pixel`; the next
 * tap that brings one is `stride` taps further and brings the pixel before. */
typedef struct {
    int32_t first, pixel, count;
} sources;

static sources sources_of(int32_t position, int32_t stride, int32_t taps, int32_t size)
{
    sources of = {position % stride, position / stride, 0};
    while (of.pixel >= size) { /* taps that lie before the image's last window */
        of.first += stride;
        --of.pixel;
    }
    while (of.first + of.count * stride < taps && of.count <= of.pixel) {
        ++of.count;
    }
    return of;
}

QE_TEMPLATE int64_t accumulate(const qe_transpose_conv_params *p, const void *input, int32_t image,
                               const sources *rows, const sources *columns, int32_t out_c,
                               int32_t x_bytes, int32_t w_bits)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < rows->count; ++i) {
        const int32_t y = rows->pixel - i;
        const int32_t ky = rows->first + i * p->stride.h;
        for (int32_t k = 0; k < columns->count; ++k) {
            const int32_t x = columns->pixel - k;
            const int32_t kx = columns->first + k * p->stride.w;
            const int32_t x_at = image + (y * p->input.w + x) * p->input.c;
            const int32_t w_at = ((out_c * p->window.h + ky) * p->window.w + kx) * p->input.c;
            sum += qe_dot(input, x_at, p->weights, w_at, p->input.c, p->input_zero_point, x_bytes,
                          w_bits);
        }
    }
    return sum;
}

QE_TEMPLATE void transpose_conv(const qe_transpose_conv_params *p, const void *input, void *output,
                                int32_t x_bytes, int32_t w_bits)
{
    int32_t image = 0;
    int32_t y_at = 0;
    for (int32_t n = 0; n < p->batch; ++n) {
        for (int32_t y = 0; y < p->output.h; ++y) {
            const sources rows = sources_of(y + p->offset.h, p->stride.h, p->window.h, p->input.h);
            for (int32_t x = 0; x < p->output.w; ++x) {
                const sources columns =
                    sources_of(x + p->offset.w, p->stride.w, p->window.w, p->input.w);
                for (int32_t c = 0; c < p->output.c; ++c) {
                    const int64_t sum =
                        accumulate(p, input, image, &rows, &columns, c, x_bytes, w_bits);
                    qe_store(output, y_at++, qe_finish(&p->stage, c, sum), x_bytes);
                }
            }
        }
        image += p->input.h * p->input.w * p->input.c;
    }
}

void qe_transpose_conv_s8(const qe_transpose_conv_params *params, const int8_t *input,
                          int8_t *output)
{
    transpose_conv(params, input, output, 1, 8);
}

void qe_transpose_conv_s8_w4(const qe_transpose_conv_params *params, const int8_t *input,
                             int8_t *output)
{
    transpose_conv(params, input, output, 1, 4);
}

void qe_transpose_conv_s16(const qe_transpose_conv_params *params, const int16_t *input,
                           int16_t *output)
{
    transpose_conv(params, input, output, 2, 8);
}

void qe_transpose_conv_s16_w4(const qe_transpose_conv_params *params, const int16_t *input,
                              int16_t *output)
{
    transpose_conv(params, input, output, 2, 4);
}
