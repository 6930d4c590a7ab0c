/* Exponential and reciprocal in fixed point. Interface: qe_exp.h. */
#include "qe_exp.h"

#include "qe_fixedpoint.h"

#define ONE_THIRD INT32_C(715827883)         /* Q0.31 */
#define EXP_MINUS_EIGHTH INT32_C(1895147668) /* exp(-1/8), Q0.31 */

/* exp(-2^k) for k = -2 .. 4, Q0.31. */
static const int32_t powers[7] = {1672461947, 1302514674, 790015084, 290630308,
                                  39332535,   720401,     242};

/* exp(x) for x in [-1/4, 0), Q0.31: a Taylor polynomial around -1/8. */
static int32_t exp_on_quarter(int32_t x)
{
    const int32_t d = x + (INT32_C(1) << 28);
    const int32_t d2 = qe_high_multiply(d, d);
    const int32_t d3 = qe_high_multiply(d2, d);
    const int32_t d4 = qe_high_multiply(d2, d2);
    const int32_t cubic = qe_high_multiply(qe_rounding_shift_right(d4, 2) + d3, ONE_THIRD);
    const int32_t tail = qe_rounding_shift_right(cubic + d2, 1);
    return EXP_MINUS_EIGHTH + qe_high_multiply(d + tail, EXP_MINUS_EIGHTH);
}

int32_t qe_exp_q5(int32_t x)
{
    const int32_t quarter = INT32_C(1) << 24;
    if (x == 0) {
        return INT32_MAX;
    }
    const int32_t fraction = (int32_t)((uint32_t)x & (uint32_t)(quarter - 1)) - quarter;
    const uint32_t rest = (uint32_t)(fraction - x); /* multiples of a quarter */
    int32_t result = exp_on_quarter(fraction * 32);
    for (int32_t k = 0; k < 7; ++k) {
        if (((rest >> (24 + k)) & 1u) != 0u) {
            result = qe_high_multiply(result, powers[k]);
        }
    }
    return result;
}

int32_t qe_one_over_one_plus(int32_t x)
{
    const int32_t half_denominator = (int32_t)(((uint32_t)x + UINT32_C(0x80000000)) >> 1);
    int32_t estimate = 1515870810 + qe_high_multiply(half_denominator, -1010580540); /* Q2.29 */
    for (int32_t i = 0; i < 3; ++i) { /* Newton's method */
        const int32_t error = (INT32_C(1) << 29) - qe_high_multiply(half_denominator, estimate);
        estimate += qe_high_multiply(estimate, error) * 4;
    }
    return (estimate >= (INT32_C(1) << 30)) ? INT32_MAX : estimate * 2;
}

int32_t qe_exponent(const qe_exponents *by, int32_t difference)
{
    return qe_high_multiply(difference * (int32_t)((uint32_t)1 << by->shift), by->multiplier);
}

int32_t qe_row_maximum(const int8_t *row, int32_t count)
{
    int32_t largest = row[0];
    for (int32_t i = 1; i < count; ++i) {
        largest = (row[i] > largest) ? row[i] : largest;
    }
    return largest;
}

int32_t qe_row_sum(const qe_exponents *by, const int8_t *row, int32_t largest)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < by->count; ++i) {
        const int32_t difference = row[i] - largest;
        if (difference >= by->diff_min) {
            sum += qe_rounding_shift_right(qe_exp_q5(qe_exponent(by, difference)), 12);
        }
    }
    return sum;
}
