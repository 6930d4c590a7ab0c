/**
 * @file qe_model.h
 * @brief What an exported model tells of itself: the interface between a model and the link.
 */
#ifndef QE_MODEL_H
#define QE_MODEL_H

#include "qe_types.h"

/** A range of the arena, in bytes. */
typedef struct {
    uint32_t offset, bytes;
} qe_buffer;

/** One exported model. Everything is constant; the arena belongs to the application. */
typedef struct {
    const char *name;         /**< The prefix of its C functions. */
    uint8_t hash[32];         /**< SHA-256 of the graph: which model this is. */
    uint32_t arena_bytes;     /**< RAM that `init` asks for. */
    uint16_t input_count;     /**< >= 1 */
    uint16_t output_count;    /**< >= 1 */
    uint16_t layer_count;     /**< Calls of QE_LAYER_DONE in one inference. */
    const qe_buffer *inputs;  /**< [input_count] */
    const qe_buffer *outputs; /**< [output_count] */
    qe_status (*init)(void *arena, uint32_t arena_bytes);
    qe_status (*invoke)(void); /**< NULL: the input is pushed row by row */
    void (*reset)(void);   /**< State back to its start; does nothing for a model without state. */
    const char *export_id; /**< Which export this is: target, and a hash of its layers; or NULL. */
    void *(*input_row)(void);    /**< Where the next row of the input goes */
    qe_status (*push_row)(void); /**< It is there; NULL: the input is put in place whole */
    uint32_t row_bytes;
} qe_model;

#ifdef QE_OBSERVE
#ifdef __cplusplus
extern "C" {
#endif
/**
 * @brief Called after each layer by a model built with QE_OBSERVE; the application defines it.
 *
 * @param layer  Position of the call, from 0, in the model's list of layers.
 * @param data   The layer's output, valid during the call.
 * @param bytes  Its size.
 */
void qe_layer_done(uint32_t layer, const void *data, uint32_t bytes);

/**
 * @brief Called instead for each step of a layer that runs row by row.
 *
 * @param row    The step, from 0 to @p rows - 1.
 * @param data   The row that it wrote, valid during the call.
 * @param bytes  Of that row; 0: it is told of later, with the whole output.
 */
void qe_layer_row(uint32_t layer, const void *data, uint32_t bytes, uint32_t row, uint32_t rows);
#ifdef __cplusplus
}
#endif
#define QE_LAYER_DONE(layer, data, bytes) qe_layer_done((layer), (data), (bytes))
#define QE_LAYER_ROW(layer, data, bytes, row, rows)                                                \
    qe_layer_row((layer), (data), (bytes), (row), (rows))
#else
#define QE_LAYER_DONE(layer, data, bytes) ((void)0)
#define QE_LAYER_ROW(layer, data, bytes, row, rows) ((void)0)
#endif

#endif /* QE_MODEL_H */
