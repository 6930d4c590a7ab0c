/* Logarithm of softmax. Interface: qe_log_softmax.h. */
#include "qe_log_softmax.h"

#define LOG_2 INT32_C(1488522236) /* Q0.31, as the next two */
#define SQRT_HALF INT32_C(1518500250)
#define FOURTH_ROOT_HALF INT32_C(1805811301)
#define QUARTER (INT32_C(1) << 23) /* Q6.25 */

static int32_t leading_zeros(int32_t x)
{
    int32_t zeros = 0;
    for (uint32_t bits = (uint32_t)x; zeros < 32 && (bits & UINT32_C(0x80000000)) == 0u; ++zeros) {
        bits <<= 1;
    }
    return zeros;
}

static int32_t saturating_shift_left(int32_t x, int32_t exponent)
{
    if (x > (INT32_MAX >> exponent)) {
        return INT32_MAX;
    }
    return (x < -(INT32_MAX >> exponent) - 1) ? INT32_MIN : x * ((int32_t)1 << exponent);
}

/* log(x) in Q0.31 / 64 around x = 2^(-1/4), for x in Q0.31: a rational approximation. */
static int32_t log_near_one(int32_t x)
{
    const int32_t p = (int32_t)(((uint32_t)x + (uint32_t)FOURTH_ROOT_HALF + 1u) >> 1);
    const int32_t q = 2 * (x - FOURTH_ROOT_HALF);
    const int32_t square = qe_high_multiply(q, q);
    const int32_t cubic = qe_high_multiply(qe_high_multiply(q, square), 117049297);
    const int32_t numerator = qe_high_multiply(q, x) + cubic;
    const int32_t inner = 1057819769 + q + qe_high_multiply(square, 127690142);
    const int32_t denominator = qe_high_multiply(p, inner) + qe_high_multiply(q, 638450708);
    return qe_high_multiply(qe_rounding_shift_right(numerator, 6),
                            qe_one_over_one_plus(denominator));
}

/* log(sum), Q5.26, for sum in Q12.19. Of two ways to bring it next to 1, the one that leaves it
 * smaller has the larger power of two. */
static int32_t log_of_sum(int32_t sum)
{
    const int32_t zeros = leading_zeros(sum);
    const int32_t normal = qe_high_multiply(sum * ((int32_t)1 << (zeros - 1)), SQRT_HALF);
    int32_t x = saturating_shift_left(normal, 1);
    int32_t power = (12 - zeros) * (INT32_C(1) << 25) + QUARTER;

    const int32_t other_zeros = leading_zeros(qe_high_multiply(sum, SQRT_HALF)) - 1;
    const int32_t other_x = saturating_shift_left(sum, other_zeros);
    const int32_t other_power = (12 - other_zeros) * (INT32_C(1) << 25) - QUARTER;
    x = (other_x < x) ? other_x : x;
    power = (other_power > power) ? other_power : power;
    return saturating_shift_left(qe_high_multiply(power, LOG_2) + log_near_one(x), 1);
}

static void log_softmax_row(const qe_log_softmax_params *p, const int8_t *x, int8_t *y)
{
    const qe_exponents *by = &p->row;
    const int32_t largest = qe_row_maximum(x, by->count);
    const int32_t log_sum = log_of_sum(qe_row_sum(by, x, largest));
    const int32_t smallest = qe_rescale(log_sum + INT32_MIN, &p->reverse);
    for (int32_t i = 0; i < by->count; ++i) {
        const int32_t difference = x[i] - largest;
        int32_t value = INT8_MIN;
        if (difference >= by->diff_min && difference > smallest) {
            const int32_t exponent = qe_exponent(by, difference);
            /* Saturated: so small a logarithm is out of the output's range in any case. */
            const int32_t log = (exponent < INT32_MIN + log_sum) ? INT32_MIN : exponent - log_sum;
            value = qe_clamp(qe_rounding_shift_right(log, 22) + INT8_MAX, INT8_MIN, INT8_MAX);
        }
        y[i] = (int8_t)value;
    }
}

void qe_log_softmax_s8(const qe_log_softmax_params *params, const int8_t *input, int8_t *output)
{
    const int32_t count = params->row.count;
    for (int32_t row = 0; row < params->rows; ++row) {
        log_softmax_row(params, input + row * count, output + row * count);
    }
}
