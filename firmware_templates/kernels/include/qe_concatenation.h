/**
 * @file qe_concatenation.h
 * @brief Tensors of any type joined along an axis.
 */
#ifndef QE_CONCATENATION_H
#define QE_CONCATENATION_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t input_count;      /**< >= 1 */
    int32_t repeats;          /**< >= 1; positions of the axes before the joined one */
    const int32_t *run_bytes; /**< [input_count]; of each input between two of these positions */
} qe_concatenation_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param inputs  [input_count]; none may overlap @p output.
 * @param output  Of the size of all inputs.
 */
void qe_concatenation(const qe_concatenation_params *params, const void *const *inputs,
                      void *output);

#endif /* QE_CONCATENATION_H */
