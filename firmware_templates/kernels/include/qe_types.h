/**
 * @file qe_types.h
 * @brief Shapes and status codes shared by all kernels.
 */
#ifndef QE_TYPES_H
#define QE_TYPES_H

#include <stdint.h>

/** Result of every call that can fail. Zero is success, errors are negative (like POSIX). */
typedef enum {
    QE_OK = 0,
    QE_ERR_ARENA = -1, /**< The arena is NULL, too small or not aligned to QE_ARENA_ALIGNMENT. */
    QE_ERR_STATE = -2, /**< Called before a successful `_init`. */
} qe_status;

/** Required alignment of an arena, in bytes. */
#define QE_ARENA_ALIGNMENT 4

/** Shape of one NHWC activation with N = 1; height and width in pixels. */
typedef struct {
    int32_t h, w, c;
} qe_shape;

/** A (height, width) pair, in pixels. */
typedef struct {
    int32_t h, w;
} qe_size;

#endif /* QE_TYPES_H */
