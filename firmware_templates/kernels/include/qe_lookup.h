/**
 * @file qe_lookup.h
 * @brief Any function of one int8 value, as a table.
 */
#ifndef QE_LOOKUP_H
#define QE_LOOKUP_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t count;       /**< >= 1 */
    const int8_t *table; /**< [256]; the result for x is at x + 128 */
} qe_lookup_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [count]; may be @p output, no other overlap.
 * @param output  [count]
 */
void qe_lookup_s8(const qe_lookup_params *params, const int8_t *input, int8_t *output);

#endif /* QE_LOOKUP_H */
