/* Filter over features and time. Interface: qe_svdf.h. */
#include "qe_svdf.h"

#include "qe_elements.h"

/* What a filter makes of the features, to be remembered. */
static int32_t newest_result(const qe_svdf_params *p, const int8_t *x, const QE_ROM int8_t *weights,
                             int32_t highest)
{
    const int32_t sum = (int32_t)qe_dot(x, 0, weights, 0, p->features, p->input_zero_point, 1, 8);
    return qe_clamp(qe_rescale(sum, &p->state_scale), -highest - 1, highest);
}

/* Shift one filter's memory by a step. Returns its sum over time, modulo 2^32. */
QE_TEMPLATE uint32_t advance(const qe_svdf_params *p, int32_t filter, const void *old_state,
                             void *new_state, int32_t at, int32_t newest, int32_t bytes)
{
    const int32_t last = p->memory - 1;
    uint32_t sum = 0;
    for (int32_t i = 0; i < last; ++i) {
        qe_store(new_state, at + i, qe_load(old_state, at + i + 1, bytes), bytes);
    }
    qe_store(new_state, at + last, newest + p->state_zero_point, bytes); /* wraps */
    for (int32_t i = 0; i < p->memory; ++i) {
        const int32_t value = qe_load(new_state, at + i, bytes) - p->state_zero_point;
        const int32_t weight = qe_load(p->time_weights, filter * p->memory + i, bytes);
        sum += (uint32_t)value * (uint32_t)weight;
    }
    return sum;
}

QE_TEMPLATE void svdf(const qe_svdf_params *p, const int8_t *input, const void *old_state,
                      int8_t *output, void *new_state, int32_t bytes)
{
    const int32_t highest = (bytes == 1) ? INT8_MAX : INT16_MAX;
    int32_t at = 0;
    for (int32_t n = 0; n < p->batch; ++n) {
        int32_t filter = 0;
        for (int32_t unit = 0; unit < p->units; ++unit) {
            uint32_t acc = (uint32_t)p->bias[unit];
            for (int32_t i = 0; i < p->rank; ++i) {
                const QE_ROM int8_t *weights = p->feature_weights + filter * p->features;
                const int32_t newest = newest_result(p, input, weights, highest);
                acc += advance(p, filter, old_state, new_state, at, newest, bytes);
                at += p->memory;
                ++filter;
            }
            const int32_t scaled = qe_rescale((int32_t)acc, &p->output_scale);
            *output++ = (int8_t)qe_clamp_sum(scaled, p->output_zero_point, INT8_MIN, INT8_MAX);
        }
        input += p->features;
    }
}

void qe_svdf_s8(const qe_svdf_params *params, const int8_t *input, const int8_t *old_state,
                int8_t *output, int8_t *new_state)
{
    svdf(params, input, old_state, output, new_state, 1);
}

void qe_svdf_s16(const qe_svdf_params *params, const int8_t *input, const int16_t *old_state,
                 int8_t *output, int16_t *new_state)
{
    svdf(params, input, old_state, output, new_state, 2);
}
