/* Sums of products of activations and int8 weights, plain C that compilers vectorize.
 * `narrow` promises that the sum fits in int32 whatever the activations. */
#ifndef QH_SUMS_H
#define QH_SUMS_H

#include <stddef.h>
#include <stdint.h>

static inline int64_t qh_dot_int8(const int8_t *x, const int8_t *w, ptrdiff_t n, int narrow)
{
    if (narrow) {
        int32_t sum = 0;
        for (ptrdiff_t i = 0; i < n; i++) {
            sum += x[i] * w[i];
        }
        return sum;
    }
    int64_t sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

static inline int64_t qh_dot_int16(const int16_t *x, const int8_t *w, ptrdiff_t n, int narrow)
{
    if (narrow) {
        int32_t sum = 0;
        for (ptrdiff_t i = 0; i < n; i++) {
            sum += x[i] * w[i];
        }
        return sum;
    }
    int64_t sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

#endif
