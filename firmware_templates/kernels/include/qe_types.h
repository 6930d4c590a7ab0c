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
    QE_MORE = 1,       /**< All is well; the inference needs more rows of its input. */
    QE_ERR_ARENA = -1, /**< The arena is NULL, too small or not aligned. */
    QE_ERR_STATE = -2, /**< Called before a successful `_init`. */
} qe_status;

/** Least alignment of an arena, in bytes; a model may ask for more (<MODEL>_ARENA_ALIGNMENT). */
#define QE_ARENA_ALIGNMENT 4

/** Aligns an array that is being declared. */
#if defined(__GNUC__)
#define QE_ALIGNED(bytes) __attribute__((aligned(bytes)))
#else
#define QE_ALIGNED(bytes)
#endif

/** Marks the constant arrays of a model; redefine it to place them in a section of your own. */
#ifndef QE_FLASH
#define QE_FLASH QE_ALIGNED(4)
#endif

/** Qualifies weights, biases and multipliers: where flash has an address space of its own and would
 *  be copied to RAM first (AVR), they are read from it. QE_ROM_BYTES is what its addresses reach,
 *  less what the linker puts in front. */
#if defined(__AVR__) && defined(__FLASH) && !defined(__STRICT_ANSI__) /* -std=gnu99 */
#define QE_ROM __flash
#define QE_ROM_BYTES 64512u
#else
#define QE_ROM
#define QE_ROM_BYTES 0xFFFFFFFFu
#endif

/** Shape of one NHWC activation with N = 1; height and width in pixels. */
typedef struct {
    int32_t h, w, c;
} qe_shape;

/** A (height, width) pair, in pixels. */
typedef struct {
    int32_t h, w;
} qe_size;

#endif /* QE_TYPES_H */
