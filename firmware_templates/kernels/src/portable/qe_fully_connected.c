/* Fully connected layer. Interface: qe_fully_connected.h. */
#include "qe_fully_connected.h"

#include "qe_elements.h"

QE_TEMPLATE void fully_connected(const qe_fully_connected_params *p, const void *input,
                                 void *output, int32_t x_bytes, int32_t w_bits)
{
    int32_t x_at = 0;
    int32_t y_at = 0;
    for (int32_t row = 0; row < p->rows; ++row) {
        int32_t w_at = 0;
        int32_t out_c = 0;
        if (x_bytes == 1 && w_bits == 8) {
            const int8_t *x = (const int8_t *)input + x_at;
            for (; p->outputs - out_c >= QE_BLOCK; out_c += QE_BLOCK) {
                const qe_block none = {0, 0, 0, 0};
                const qe_block sums = qe_dot_block(none, x, p->weights + w_at, p->inputs, p->inputs,
                                                   p->input_zero_point);
                qe_finish_block(&p->stage, out_c, sums, (int8_t *)output + y_at);
                w_at += QE_BLOCK * p->inputs;
                y_at += QE_BLOCK;
            }
        }
        for (; out_c < p->outputs; ++out_c) {
            const int64_t sum = qe_dot(input, x_at, p->weights, w_at, p->inputs,
                                       p->input_zero_point, x_bytes, w_bits);
            qe_store(output, y_at++, qe_finish(&p->stage, out_c, sum), x_bytes);
            w_at += p->inputs;
        }
        x_at += p->inputs;
    }
}

void qe_fully_connected_s8(const qe_fully_connected_params *params, const int8_t *input,
                           int8_t *output)
{
    fully_connected(params, input, output, 1, 8);
}

void qe_fully_connected_s8_w4(const qe_fully_connected_params *params, const int8_t *input,
                              int8_t *output)
{
    fully_connected(params, input, output, 1, 4);
}

void qe_fully_connected_s16(const qe_fully_connected_params *params, const int16_t *input,
                            int16_t *output)
{
    fully_connected(params, input, output, 2, 8);
}

void qe_fully_connected_s16_w4(const qe_fully_connected_params *params, const int16_t *input,
                               int16_t *output)
{
    fully_connected(params, input, output, 2, 4);
}
