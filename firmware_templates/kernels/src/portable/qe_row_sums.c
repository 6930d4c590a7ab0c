/* Averages over whole images, row by row. Interface: qe_row_sums.h. */
#include "qe_row_sums.h"

#include "qe_elements.h"

/* Add a row to the sums. Returns whether it was the last one. */
QE_TEMPLATE int32_t add_row(const qe_row_sums *p, const void *row, int32_t *sums, uint32_t step,
                            int32_t bytes)
{
    const qe_row_sums of = *p; /* stores to the sums cannot change it */
    int32_t *const end = sums + of.channels;
    int32_t first = 0;
    for (; sums != end; ++sums, first += of.channel_step) {
        int32_t at = first;
        int32_t sum = (step == 0) ? 0 : *sums;
        for (int32_t left = of.pixels; left > 0; --left, at += of.pixel_step) {
            sum += qe_load(row, at, bytes);
        }
        *sums = sum;
    }
    return (int32_t)step + 1 == p->rows;
}

QE_TEMPLATE void average_pool(const qe_average_pool_rows_params *p, const void *row, void *output,
                              int32_t *sums, uint32_t step, int32_t bytes)
{
    if (add_row(&p->sums, row, sums, step, bytes) == 0) {
        return;
    }
    const int32_t count = p->sums.rows * p->sums.pixels;
    const int32_t half = count / 2;
    for (int32_t c = 0; c < p->sums.channels; ++c) {
        const int32_t mean = ((sums[c] > 0) ? sums[c] + half : sums[c] - half) / count;
        qe_store(output, c, qe_clamp(mean, p->activation_min, p->activation_max), bytes);
    }
}

QE_TEMPLATE void mean(const qe_mean_rows_params *p, const void *row, void *output, int32_t *sums,
                      uint32_t step, int32_t bytes)
{
    if (add_row(&p->sums, row, sums, step, bytes) == 0) {
        return;
    }
    const int32_t highest = (bytes == 1) ? INT8_MAX : INT16_MAX;
    const int64_t zero = (int64_t)p->sums.rows * p->sums.pixels * p->input_zero_point;
    for (int32_t c = 0; c < p->sums.channels; ++c) {
        const int32_t y = qe_clamp_sum(qe_rescale(sums[c] - zero, &p->scale), p->output_zero_point,
                                       -highest - 1, highest);
        qe_store(output, c, y, bytes);
    }
}

void qe_average_pool_rows_s8(const qe_average_pool_rows_params *params, const int8_t *row,
                             int8_t *output, int32_t *sums, uint32_t step)
{
    average_pool(params, row, output, sums, step, 1);
}

void qe_average_pool_rows_s16(const qe_average_pool_rows_params *params, const int16_t *row,
                              int16_t *output, int32_t *sums, uint32_t step)
{
    average_pool(params, row, output, sums, step, 2);
}

void qe_mean_rows_s8(const qe_mean_rows_params *params, const int8_t *row, int8_t *output,
                     int32_t *sums, uint32_t step)
{
    mean(params, row, output, sums, step, 1);
}

void qe_mean_rows_s16(const qe_mean_rows_params *params, const int16_t *row, int16_t *output,
                      int32_t *sums, uint32_t step)
{
    mean(params, row, output, sums, step, 2);
}
