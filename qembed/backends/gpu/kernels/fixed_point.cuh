// Exponential, logarithm, reciprocal and roots in fixed point: docs/arithmetic.md, section 4.

#pragma once

namespace qe
{

// round(a * b / 2**31), ties up.
__device__ inline int high_multiply(int a, int b)
{
    return saturate((static_cast<int64_t>(a) * b + (1ll << 30)) >> 31);
}

// round(x / 2**bits), ties away from zero; bits in [0, 31].
__device__ inline int divide_by_power(int x, int bits)
{
    if (bits == 0) {
        return x;
    }
    int64_t half = 1ll << (bits - 1);
    return static_cast<int>((x + half - (x < 0)) >> bits);
}

__device__ inline int saturating_left(int64_t x, int bits)
{
    return saturate(x * (1ll << bits));
}

// A scale that is known only at run time, rounded twice: round(x * multiplier * 2**(shift - 31)).
__device__ inline int scale_twice(int x, int multiplier, int shift)
{
    int product = high_multiply(shift_left(x, max(shift, 0)), multiplier);
    return divide_by_power(product, max(-shift, 0));
}

// exp(a) of a in [-1/4, 0), Q0.31, to Q0.31.
__device__ inline int exp_of_quarter(int a)
{
    const int EXP_OF_EIGHTH = 1895147668; // exp(-1/8)
    const int THIRD = 715827883;
    int x = a + (1 << 28);
    int x2 = high_multiply(x, x), x3 = high_multiply(x2, x), x4 = high_multiply(x2, x2);
    int cubic = high_multiply(divide_by_power(x4, 2) + x3, THIRD);
    int tail = divide_by_power(cubic + x2, 1);
    return EXP_OF_EIGHTH + high_multiply(x + tail, EXP_OF_EIGHTH);
}

// exp(a) in Q0.31 of a <= 0 in Q5.26.
__device__ inline int exp_of_negative(int a)
{
    const int FACTORS[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int QUARTER = 1 << 24;
    if (a == 0) {
        return 0x7fffffff;
    }
    int remainder = (a & (QUARTER - 1)) - QUARTER;
    int result = exp_of_quarter(remainder * 32);
    unsigned quarters = static_cast<unsigned>(remainder - a) >> 24; // how many of them are left
#pragma unroll
    for (int bit = 0; bit < 7; bit++) {
        if (quarters >> bit & 1) {
            result = high_multiply(result, FACTORS[bit]);
        }
    }
    return result;
}

// 1 / (1 + a) in Q0.31 of a in [0, 1), Q0.31.
__device__ inline int reciprocal_of_one_plus(int a)
{
    int half = static_cast<int>((static_cast<int64_t>(a) + (1ll << 31)) >> 1);
    int x = 1515870810 + high_multiply(half, -1010580540);
    for (int i = 0; i < 3; i++) {
        int error = (1 << 29) - high_multiply(half, x);
        x += saturating_left(high_multiply(x, error), 2);
    }
    return saturating_left(x, 1);
}

// log(total) in Q5.26 of total > 0 in Q12.19.
__device__ inline int log_of_sum(int total)
{
    const int SQRT_HALF = 1518500250, ROOT4_HALF = 1805811301, LOG_2 = 1488522236;
    const int QUARTER = 1 << 23; // 1/4 in Q6.25
    int zeros = __clz(total);
    int mantissa1 = saturating_left(high_multiply(saturating_left(total, zeros - 1), SQRT_HALF), 1);
    int power1 = saturate(saturating_left(12 - zeros, 25) + static_cast<int64_t>(QUARTER));
    int room = __clz(high_multiply(total, SQRT_HALF)) - 1;
    int mantissa2 = saturating_left(total, room);
    int power2 = saturate(saturating_left(12 - room, 25) - static_cast<int64_t>(QUARTER));

    int r = min(mantissa1, mantissa2), power = max(power1, power2);
    int p = static_cast<int>((static_cast<int64_t>(r) + ROOT4_HALF + 1) >> 1);
    int q = 2 * (r - ROOT4_HALF);
    int square = high_multiply(q, q);
    int numerator = high_multiply(q, r) + high_multiply(high_multiply(q, square), 117049297);
    int inner = 1057819769 + q + high_multiply(square, 127690142);
    int denominator = high_multiply(p, inner) + high_multiply(q, 638450708);
    int quotient =
        high_multiply(divide_by_power(numerator, 6), reciprocal_of_one_plus(denominator));
    return saturating_left(static_cast<int64_t>(high_multiply(power, LOG_2)) + quotient, 1);
}

// multiplier * 2**(shift - 31) = 1 / sqrt(value), of value in [0, 2**31).
__device__ inline void inverse_square_root(int value, int *multiplier, int *shift)
{
    if (value <= 1) {
        *multiplier = 0x7fffffff;
        *shift = 0;
        return;
    }
    int right = 11;
    while (value >= 1 << 29) {
        value >>= 2;
        right++;
    }
    int pairs = (__clz(value) - 1) / 2 - 1;
    right -= pairs;
    value <<= 2 * pairs;

    int half = divide_by_power(value >> 1, 1);
    int x = 1 << 28; // Q3.28
    for (int i = 0; i < 5; i++) {
        int cube = saturating_left(high_multiply(high_multiply(x, x), x), 6);
        x = saturating_left(
            static_cast<int64_t>(high_multiply(3 << 27, x)) - high_multiply(half, cube), 3);
    }
    x = high_multiply(x, 1518500250); // sqrt(1/2)
    *multiplier = right < 0 ? x << -right : x;
    *shift = right < 0 ? 0 : -right;
}

// An entry of a table of 256, `index.fraction`, interpolated; `end` behind the last one.
__device__ inline int interpolate(const uint16_t *table, int magnitude, int fraction_bits, int end)
{
    int index = magnitude >> fraction_bits, fraction = magnitude & ((1 << fraction_bits) - 1);
    if (index >= 255) {
        return end << fraction_bits;
    }
    int low = table[index], high = table[index + 1];
    return (low << fraction_bits) + fraction * (high - low);
}

// Input steps in units of 1 / (3 * 2**12), from which the tables count.
__device__ inline int sigmoid_argument(int x, int multiplier, int shift)
{
    int64_t half = (1ll << shift) >> 1;
    return static_cast<int>((static_cast<int64_t>(x) * multiplier + half) >> shift);
}

__device__ inline int logistic_int16(int x, int multiplier, int shift, const uint16_t *table)
{
    int v = sigmoid_argument(x, multiplier, shift);
    int y = interpolate(table, abs(v), 9, 0x7fff << 1);
    return (v >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10;
}

__device__ inline int tanh_int16(int x, int multiplier, int shift, const uint16_t *table)
{
    const int MIDDLE = 1 << 23;
    int v = sigmoid_argument(x, multiplier, shift);
    int y = interpolate(table, abs(v), 8, 0xffff);
    return (v >= 0 ? y - MIDDLE + (1 << 7) : MIDDLE - y + (1 << 7) - 1) >> 8;
}

} // namespace qe
