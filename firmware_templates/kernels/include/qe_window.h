/**
 * @file qe_window.h
 * @brief Sliding windows over NHWC images.
 */
#ifndef QE_WINDOW_H
#define QE_WINDOW_H

#include "qe_types.h"

/** How a window slides. All sizes in pixels. */
typedef struct {
    int32_t batch;    /**< >= 1; images, one behind the other */
    qe_shape input;   /**< [H, W, C] */
    qe_shape output;  /**< [OH, OW, O] */
    qe_size window;   /**< KH, KW >= 1 */
    qe_size stride;   /**< >= 1 */
    qe_size dilation; /**< >= 1; from tap to tap */
    qe_size padding;  /**< >= 0; at the top and left: the rest follows from the shapes */
    int32_t backward; /**< 1: output pixels are computed from the last to the first; 0: forwards */
} qe_geometry;

/** An output pixel on the way through all of them. */
typedef struct {
    int32_t left;     /**< Pixels from here to the end of the way, this one included */
    int32_t y, x;     /**< Its place in its image */
    int32_t input_at; /**< Index of the first value of the input image that it belongs to */
    int32_t y_at;     /**< Index of its first value in the output */
} qe_pixel;

/** The taps of one window position that lie inside the image: rows x columns of them. */
typedef struct {
    int32_t rows, columns; /**< 0 if all taps are in the padding */
    int32_t first_tap;     /**< Its number, ky * KW + kx; the next row is KW taps further */
    int32_t first_pixel;   /**< What it sees: y * W + x */
    int32_t row_step;      /**< From row to row of taps, in pixels; dilation.w from tap to tap */
} qe_window;

/** @brief The output pixel that is computed first. */
qe_pixel qe_first_pixel(const qe_geometry *geometry);

/** @brief Advance to the pixel that is computed next; `left` is 0 after the last one. */
void qe_next_pixel(const qe_geometry *geometry, qe_pixel *pixel);

/** @brief The window that computes output pixel (@p out_y, @p out_x). */
qe_window qe_window_at(const qe_geometry *geometry, int32_t out_y, int32_t out_x);

#endif /* QE_WINDOW_H */
