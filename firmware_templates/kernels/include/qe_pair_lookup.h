/**
 * @file qe_pair_lookup.h
 * @brief Any function of two int8 values, as a table, with broadcasting.
 */
#ifndef QE_PAIR_LOOKUP_H
#define QE_PAIR_LOOKUP_H

#include "qe_binary.h"

/** One layer. */
typedef struct {
    qe_pair inputs;
    const int8_t *table; /**< [256, 256]; the result for x1, x2 is at x1 + 128, x2 + 128 */
} qe_pair_lookup_params;

/**
 * @brief Run one layer.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  May be @p output where it is not broadcast; no other overlap.
 * @param output         Dense, in the order of the walks.
 */
void qe_pair_lookup_s8(const qe_pair_lookup_params *params, const int8_t *input1,
                       const int8_t *input2, int8_t *output);

#endif /* QE_PAIR_LOOKUP_H */
