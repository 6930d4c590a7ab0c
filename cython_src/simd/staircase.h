/* Proofs that a float32 line gives exactly the requantized byte.
 *
 * Output as a function of the accumulator is a monotone staircase F. So is
 *     G(acc) = clamp(round_to_even(fma((float)acc, slope, offset))),   slope >= 0,
 * since converting, multiply-adding and rounding are monotone. G equals F on a whole interval as
 * soon as it does on both sides of each of F's at most 255 steps, and at the interval's ends.
 */
#ifndef QH_STAIRCASE_H
#define QH_STAIRCASE_H

#include <stdint.h>

/* A channel: its recipe, its clamp and the accumulators that inputs can reach. */
typedef struct {
    int32_t multiplier, shift;
    double real; /* of the recipes in floating point; else negative */
    int rounding;
    int32_t zero_point, low, high;
    int64_t least, most;
} qh_channel;

/* What was proved. `move` is to be added to the accumulator before its sign is looked at. */
typedef struct {
    int form;
    float slope, offset, negative_slope, negative_offset;
    int32_t move;
} qh_proof;

qh_proof qh_prove(const qh_channel *channel);

/* Search slopes and an offset for which round(x1 * slope1 + (x2 * slope2 + offset)), clamped,
 * is `sums[x1 + 128][x2 + 128]` for all x1, x2. Returns whether found; line: the first guess. */
int qh_prove_add(const int8_t *sums, int32_t low, int32_t high, float line[3]);

#endif
