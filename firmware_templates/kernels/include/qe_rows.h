/**
 * @file qe_rows.h
 * @brief Layers that run interleaved, row by row: the order and all places are data.
 *
 * A row is computed when a row behind it asks for it and lives until its last reader has run; no
 * row is computed twice. The exporter found the order of the steps and a place for every row.
 */
#ifndef QE_ROWS_H
#define QE_ROWS_H

#include "qe_types.h"

/** Row pointers that one step of a layer can take. */
#define QE_ROW_POINTERS 16

/** Where the rows of a tensor lie: row r at base + unit * table[r], in bytes. */
typedef struct {
    uint32_t base, unit;
    const uint16_t *table; /**< [rows]; NULL: r itself, the tensor is whole at the end */
    uint32_t row_bytes;
    uint16_t rows;
} qe_row_tensor;

/** One layer. Step i reads rows i * stride - padding + k * dilation, 0 <= k < taps. */
typedef struct {
    /** @param rows    [input_count * taps] input rows; NULL outside of the image
     *  @param output  The row to compute
     *  @param step    i */
    void (*run)(const void *const *rows, void *output, uint32_t step);
    const uint8_t *inputs; /**< [input_count] indices of tensors */
    uint8_t input_count;
    uint8_t output; /**< Index of a tensor */
    uint8_t folds;  /**< 1: each step reads one row, the last one writes the output */
    uint8_t taps, stride, dilation;
    uint16_t padding;
    uint16_t steps;
    uint16_t index; /**< Of QE_LAYER_DONE */
} qe_row_layer;

/** Layers in the order of their steps. */
typedef struct {
    const qe_row_tensor *tensors; /**< The first one is the input */
    const qe_row_layer *layers;
    const uint8_t *steps; /**< [step_count] which layer runs; layer_count: a row must be pushed */
    uint32_t step_count;
    uint32_t counters; /**< Offset of uint16_t[2 + layer_count] in the arena */
    uint8_t layer_count;
} qe_row_plan;

/** @brief Start an inference: no step has run, no row is there. */
void qe_rows_begin(const qe_row_plan *plan, uint8_t *arena);

/** @brief Run steps. @return 1 at a row that must be pushed, 0 after the last step. */
int32_t qe_rows_run(const qe_row_plan *plan, uint8_t *arena);

/** @brief Where the input row that comes next goes. */
void *qe_rows_input(const qe_row_plan *plan, uint8_t *arena);

/** @brief The row is there: go on. @return As qe_rows_run(). */
int32_t qe_rows_push(const qe_row_plan *plan, uint8_t *arena);

/** Rows of a window side by side, for a kernel that wants them so. */
typedef struct {
    int32_t taps;
    int32_t planes;      /**< Runs of a row: 1, or its channels if it is stored plane by plane */
    int32_t run;         /**< Values of a run */
    int32_t value_bytes; /**< 1 or 2 */
    int32_t fill;        /**< Value of rows that do not exist */
} qe_row_gather;

/**
 * @brief Copy rows next to each other.
 *
 * @param rows  [taps] of planes * run values each, or NULL
 * @param to    [planes][taps][run]
 */
void qe_gather_rows(const qe_row_gather *params, const void *const *rows, void *to);

#endif /* QE_ROWS_H */
