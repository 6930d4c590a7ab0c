/**
 * @file qe_select.h
 * @brief Values of one array or of another, by a condition, with broadcasting.
 */
#ifndef QE_SELECT_H
#define QE_SELECT_H

#include "qe_walk.h"

/** One layer. Walks in the output's order; same extents and run. Values share one scale. */
typedef struct {
    qe_walk condition, walk1, walk2;
} qe_select_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params         Validated by the exporter.
 * @param condition      0 or 1.
 * @param input1,input2  Where the condition is 1, where it is 0.
 * @param output         Dense; may be an input that is not broadcast and as large, no other
 * overlap.
 */
void qe_select_s8(const qe_select_params *params, const uint8_t *condition, const int8_t *input1,
                  const int8_t *input2, int8_t *output);

/** @brief As qe_select_s8() on int16. */
void qe_select_s16(const qe_select_params *params, const uint8_t *condition, const int16_t *input1,
                   const int16_t *input2, int16_t *output);

#endif /* QE_SELECT_H */
