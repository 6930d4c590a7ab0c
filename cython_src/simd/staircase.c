#include "staircase.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "simd.h"

#if defined(__x86_64__) && !defined(__clang__)
#pragma GCC target("avx2,fma")
#endif

enum { MOST_STEPS = 256 };

/* Points that a line has to pass: at `above[i]` over `above_value[i]`, at `below[i]` under it. */
typedef struct {
    int above_count, below_count;
    float above[MOST_STEPS + 1], below[MOST_STEPS + 1];
    float above_value[MOST_STEPS + 1], below_value[MOST_STEPS + 1];
} gates;

static double scale_of(const qh_channel *c)
{
    return c->real >= 0 ? c->real : ldexp(c->multiplier, c->shift - 31);
}

static int32_t staircase(const qh_channel *c, int64_t acc)
{
    const int64_t scaled = c->real >= 0 ? qh_requantize_real(acc, c->real, c->rounding)
                                        : qh_requantize(acc, c->multiplier, c->shift, c->rounding);
    return qh_clamp(scaled + c->zero_point, c->low, c->high);
}

/* Least accumulator in (from, most] whose output is at least `value`. */
static int64_t step_to(const qh_channel *c, int32_t value, int64_t from)
{
    int64_t below = from, at = c->most, stride = 1;
    const double scale = scale_of(c);
    const double guess = scale > 0 ? (value - 0.5 - c->zero_point) / scale : 0;
    if (guess > (double)below && guess < (double)at) {
        int64_t probe = (int64_t)guess;
        if (staircase(c, probe) >= value) {
            for (at = probe; probe > below && staircase(c, probe) >= value; stride *= 4) {
                at = probe;
                probe -= stride;
            }
            below = probe > below ? probe : below;
        } else {
            for (below = probe; probe < at && staircase(c, probe) < value; stride *= 4) {
                below = probe;
                probe += stride;
            }
            at = probe < at ? probe : at;
        }
    }
    while (at - below > 1) {
        const int64_t middle = below + (at - below) / 2;
        if (staircase(c, middle) >= value) {
            at = middle;
        } else {
            below = middle;
        }
    }
    return at;
}

static void pass_above(gates *g, int64_t acc, double value)
{
    g->above[g->above_count] = (float)acc;
    g->above_value[g->above_count++] = (float)value;
}

static void pass_below(gates *g, int64_t acc, double value)
{
    g->below[g->below_count] = (float)acc;
    g->below_value[g->below_count++] = (float)value;
}

/* Gates for the accumulators [from, to], all moved by `move`. */
static void set_gates(gates *g, const qh_channel *c, const int64_t *steps, int32_t first,
                      int64_t from, int64_t to, int64_t move)
{
    const int32_t lowest = staircase(c, from), highest = staircase(c, to);
    g->above_count = g->below_count = 0;
    if (lowest > c->low) {
        pass_above(g, from + move, lowest - 0.5);
    }
    if (highest < c->high) {
        pass_below(g, to + move, highest + 0.5);
    }
    for (int32_t value = lowest + 1; value <= highest; value++) {
        const int64_t step = steps[value - first];
        pass_above(g, step + move, value - 0.5);
        pass_below(g, step - 1 + move, value - 0.5);
    }
}

/* Offsets that suit a slope: returns the width of their interval, negative if there is none. */
static double offsets_of(const gates *g, float slope, double *least)
{
    double low = -INFINITY, high = INFINITY;
    for (int i = 0; i < g->above_count; i++) {
        const double offset = g->above_value[i] - (double)slope * g->above[i];
        low = offset > low ? offset : low;
    }
    for (int i = 0; i < g->below_count; i++) {
        const double offset = g->below_value[i] - (double)slope * g->below[i];
        high = offset < high ? offset : high;
    }
    if (low == -INFINITY) {
        low = high - 1;
    }
    if (high == INFINITY) {
        high = low + 1;
    }
    *least = low;
    return high - low;
}

static int passes(const gates *g, float slope, float offset)
{
    for (int i = 0; i < g->above_count; i++) {
        if (!(fmaf(g->above[i], slope, offset) > g->above_value[i])) {
            return 0;
        }
    }
    for (int i = 0; i < g->below_count; i++) {
        if (!(fmaf(g->below[i], slope, offset) < g->below_value[i])) {
            return 0;
        }
    }
    return 1;
}

static float nudged(float slope, int steps)
{
    int32_t bits;
    memcpy(&bits, &slope, sizeof bits);
    bits += steps;
    memcpy(&slope, &bits, sizeof bits);
    return slope;
}

static int try_slope(const gates *g, float slope, float *offset)
{
    static const double parts[] = {0.5, 0.42, 0.58, 0.34, 0.66, 0.2, 0.8, 0.1, 0.9};
    double least;
    const double width = offsets_of(g, slope, &least);
    if (width <= 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *offset = (float)(least + width * parts[i]);
        if (passes(g, slope, *offset)) {
            return 1;
        }
    }
    return 0;
}

/* The width of the interval of offsets is a concave function of the slope: climb it. */
static int find_line(const gates *g, float guess, float *slope, float *offset)
{
    enum { REACH = 256 };
    double least;
    int low = -REACH, high = REACH;
    *slope = guess;
    if (try_slope(g, guess, offset)) {
        return 1;
    }
    while (high - low > 2) {
        const int left = low + (high - low) / 3, right = high - (high - low) / 3;
        if (offsets_of(g, nudged(guess, left), &least) <
            offsets_of(g, nudged(guess, right), &least)) {
            low = left;
        } else {
            high = right;
        }
    }
    const int best = (low + high) / 2;
    for (int away = 0; away <= 16; away++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            *slope = nudged(guess, best + sign * away);
            if (try_slope(g, *slope, offset)) {
                return 1;
            }
        }
    }
    return 0;
}

static int fits_int32(int64_t value)
{
    return value >= INT32_MIN && value <= INT32_MAX;
}

/* Is F a monotone staircase, and are the line's values in the range of the conversion? */
static int is_tame(const qh_channel *c)
{
    const int64_t gain = INT64_C(1) << (c->shift > 0 && c->real < 0 ? c->shift : 0);
    const double scale = scale_of(c);
    const double reach = fmax(fabs((double)c->least), fabs((double)c->most));
    return fits_int32(c->least * gain) && fits_int32(c->most * gain) && scale * reach < 1 << 30 &&
           scale > 1e-30;
}

static int one_line(const qh_channel *c, const int64_t *steps, int32_t first, int64_t move,
                    float guess, qh_proof *proof)
{
    gates g;
    if (!fits_int32(c->least + move) || !fits_int32(c->most + move)) {
        return 0;
    }
    set_gates(&g, c, steps, first, c->least, c->most, move);
    if (!find_line(&g, guess, &proof->slope, &proof->offset)) {
        return 0;
    }
    proof->form = QH_ONE_LINE;
    proof->negative_slope = proof->slope;
    proof->negative_offset = proof->offset;
    proof->move = (int32_t)move;
    return 1;
}

/* One line for accumulators >= -move and one for the others. Without a move they meet where the
 * recipe's ties change sides; anywhere, two lines are easier to find than one. */
static int two_lines(const qh_channel *c, const int64_t *steps, int32_t first, int64_t move,
                     float guess, qh_proof *proof)
{
    gates g;
    if (c->least >= -move || c->most < -move || !fits_int32(c->least + move) ||
        !fits_int32(c->most + move)) {
        return 0;
    }
    set_gates(&g, c, steps, first, -move, c->most, move);
    if (!find_line(&g, guess, &proof->slope, &proof->offset)) {
        return 0;
    }
    set_gates(&g, c, steps, first, c->least, -move - 1, move);
    if (!find_line(&g, guess, &proof->negative_slope, &proof->negative_offset)) {
        return 0;
    }
    proof->form = QH_TWO_LINES;
    proof->move = (int32_t)move;
    return 1;
}

qh_proof qh_prove(const qh_channel *c)
{
    qh_proof proof = {QH_EXACT, 0, 0, 0, 0, 0};
    int64_t steps[MOST_STEPS];
    const int constant = scale_of(c) == 0;
    if (!constant && !is_tame(c)) {
        return proof;
    }
    const int32_t first = staircase(c, c->least), last = staircase(c, c->most);
    if (first == last) {
        proof.form = QH_ONE_LINE;
        proof.offset = proof.negative_offset = (float)first;
        return proof;
    }
    int64_t from = c->least;
    for (int32_t value = first + 1; value <= last; value++) {
        if (staircase(c, from) < value) {
            from = step_to(c, value, from);
        }
        steps[value - first] = from;
    }
    const float guess = (float)scale_of(c);
    if (one_line(c, steps, first, 0, guess, &proof) ||
        two_lines(c, steps, first, 0, guess, &proof)) {
        return proof;
    }
    /* Moved so that the offset is small, it can be chosen more finely. */
    const int64_t centre = llround((double)c->zero_point / guess);
    static const int64_t moves[] = {0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8, 13, -13};
    enum { MOVES = sizeof moves / sizeof *moves };
    for (int i = 0; i < MOVES; i++) {
        if (one_line(c, steps, first, centre + moves[i], guess, &proof)) {
            return proof;
        }
    }
    for (int i = 0; i < MOVES; i++) {
        if (two_lines(c, steps, first, centre + moves[i], guess, &proof)) {
            return proof;
        }
    }
    return (qh_proof){QH_EXACT, 0, 0, 0, 0, 0};
}

static int wrong_sums(const int8_t *sums, int32_t low, int32_t high, const float line[3], int most)
{
    int wrong = 0;
    for (int x1 = -128; x1 < 128 && wrong <= most; x1++, sums += 256) {
        int row = 0;
        for (int x2 = -128; x2 < 128; x2++) {
            const float inner = fmaf((float)x2, line[1], line[2]);
            const float value = rintf(fmaf((float)x1, line[0], inner));
            const float kept = value < (float)low    ? (float)low
                               : value > (float)high ? (float)high
                                                     : value;
            row += (int32_t)kept != sums[x2 + 128];
        }
        wrong += row;
    }
    return wrong;
}

int qh_prove_add(const int8_t *sums, int32_t low, int32_t high, float line[3])
{
    uint64_t state = 1;
    float best[3];
    memcpy(best, line, sizeof best);
    int fewest = wrong_sums(sums, low, high, best, 65536);
    for (int attempt = 0; attempt < 3000 && fewest > 0; attempt++) {
        const double spread = attempt < 1000 ? 1 : attempt < 2000 ? 3 : 8;
        float candidate[3];
        for (int i = 0; i < 3; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
            const double draw = ((double)(state >> 11) / 9007199254740992.0 - 0.5) * 2 * spread;
            candidate[i] = (float)(best[i] + draw * (i < 2 ? best[i] * 0x1p-24 : 0x1p-18));
        }
        const int wrong = wrong_sums(sums, low, high, candidate, fewest);
        if (wrong < fewest) {
            fewest = wrong;
            memcpy(best, candidate, sizeof best);
        }
    }
    memcpy(line, best, sizeof best);
    return fewest == 0;
}
