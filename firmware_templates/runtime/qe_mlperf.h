/**
 * @file qe_mlperf.h
 * @brief The MLPerf Tiny runner's text protocol, beside the link on the same port.
 *
 * Both look at every byte: a command is printable text that ends with '%', a frame of the link
 * never is. Bytes of data are loaded into a buffer of the application's, so that one input can be
 * run many times.
 */
#ifndef QE_MLPERF_H
#define QE_MLPERF_H

#include "qe_model.h"

/** How the runner's data become the model's input, and its output the results. */
typedef enum {
    QE_MLPERF_SIGNED,      /**< int8 as they come; results are the outputs */
    QE_MLPERF_UNSIGNED,    /**< uint8, 128 is subtracted; results are the outputs */
    QE_MLPERF_AUTOENCODER, /**< float32; the result is the mean square of output - input */
} qe_mlperf_kind;

/** What the application lends; all of it lives as long as the firmware. */
typedef struct {
    const char *vendor;   /**< In the answer to `name`. */
    const char *model_id; /**< "kws01", "ic01", "vww01" or "ad01". */
    const qe_model *model;
    qe_mlperf_kind kind;
    void *arena; /**< The link's: whoever runs takes it over. */
    uint32_t arena_bytes;
    uint8_t *data; /**< The runner's data; an input, for the autoencoder four times that. */
    uint32_t data_bytes;
    float input_scale, output_scale; /**< real = scale * (q - zero_point) */
    int32_t input_zero_point, output_zero_point;
    uint32_t ticks_per_second;
    /** Send bytes; returns when they are handed over. */
    void (*write)(const uint8_t *data, uint32_t count);
    /** Free-running counter of ticks_per_second, wrapping at 2^32. */
    uint32_t (*count)(void);
    /** Called before a run: the model in the arena is no longer the link's. */
    void (*take_over)(void);
} qe_mlperf_config;

/** @brief Start and greet. @p config is kept. */
void qe_mlperf_init(const qe_mlperf_config *config);

/** @brief Take bytes that came from the host; run and answer what they ask for. */
void qe_mlperf_feed(const uint8_t *bytes, uint32_t count);

#endif /* QE_MLPERF_H */
