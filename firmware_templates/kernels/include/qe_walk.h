/**
 * @file qe_walk.h
 * @brief Walks through strided arrays of any rank; strides and order are decided on the desk.
 */
#ifndef QE_WALK_H
#define QE_WALK_H

#include "qe_types.h"

/** Most axes of a walk, its runs not counted. */
#define QE_WALK_MAX_RANK 8

/** A path through an array: runs of `run` elements, `run_stride` apart, along `rank` axes. */
typedef struct {
    int32_t rank;           /**< [0, QE_WALK_MAX_RANK] */
    const int32_t *extents; /**< [rank]; outermost first */
    const int32_t *steps;   /**< [rank]; from one run to the next when this axis advances */
    int32_t run;            /**< >= 1 */
    int32_t run_stride;     /**< In elements, like `steps` */
} qe_walk;

/**
 * @brief Advance to the next run.
 *
 * @param index  Position along each axis; all 0 at the start, and again after the end.
 * @return       The axis that advanced, whose step leads to the next run; -1 after the last run.
 */
static inline int32_t qe_walk_next(const qe_walk *walk, int32_t *index)
{
    int32_t axis = walk->rank - 1;
    while (axis >= 0) {
        ++index[axis];
        if (index[axis] < walk->extents[axis]) {
            break;
        }
        index[axis] = 0;
        --axis;
    }
    return axis;
}

#endif /* QE_WALK_H */
