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
} qe_geometry;

/** The taps of one window position that lie inside the image: rows x columns of them. */
typedef struct {
    int32_t rows, columns; /**< 0 if all taps are in the padding */
    int32_t first_tap;     /**< Its number, ky * KW + kx; the next row is KW taps further */
    int32_t first_pixel;   /**< What it sees: y * W + x */
    int32_t row_step;      /**< From row to row of taps, in pixels; dilation.w from tap to tap */
} qe_window;

/** @brief The window that computes output pixel (@p out_y, @p out_x). */
qe_window qe_window_at(const qe_geometry *geometry, int32_t out_y, int32_t out_x);

#endif /* QE_WINDOW_H */
