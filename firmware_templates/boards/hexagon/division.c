/**
 * @file division.c
 * @brief The divisions that clang calls on Hexagon, and no Debian package has: of int32_t and of
 *        float, the latter rounded to nearest, ties to even, as IEEE 754 says.
 */
#include <stdint.h>

#define INFINITY_BITS 0x7F800000u
#define NAN_BITS 0x7FC00000u
#define HIDDEN_BIT 0x00800000u /* the leading one of a float's 24-bit significand */

int32_t __hexagon_divsi3(int32_t a, int32_t b);
float __hexagon_divsf3(float a, float b);

typedef union {
    float value;
    uint32_t bits;
} float_bits;

int32_t __hexagon_divsi3(int32_t a, int32_t b)
{
    uint32_t dividend = a < 0 ? 0u - (uint32_t)a : (uint32_t)a;
    uint32_t divisor = b < 0 ? 0u - (uint32_t)b : (uint32_t)b;
    uint32_t quotient = 0, remainder = 0;

    for (int bit = 31; bit >= 0; --bit) {
        remainder = (remainder << 1) | ((dividend >> bit) & 1u);
        quotient <<= 1;
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1u;
        }
    }
    return (int32_t)((a < 0) != (b < 0) ? 0u - quotient : quotient);
}

/* Significand with its hidden bit in place, and exponent, of a finite number that is not 0. */
static uint32_t take_apart(uint32_t bits, int32_t *exponent)
{
    uint32_t significand = bits & (HIDDEN_BIT - 1u);

    *exponent = (int32_t)(bits >> 23 & 0xFFu);
    if (*exponent != 0) {
        return significand | HIDDEN_BIT;
    }
    for (*exponent = 1; significand < HIDDEN_BIT; --*exponent) {
        significand <<= 1;
    }
    return significand;
}

/* Round a quotient of 26 bits, the last of them sticky, with the biased exponent of its first. */
static uint32_t round_and_pack(uint32_t quotient, int32_t exponent)
{
    uint32_t kept, lost;

    if (exponent >= 0xFF) {
        return INFINITY_BITS;
    }
    for (; exponent < 1 && quotient > 1u; ++exponent) {
        quotient = (quotient >> 1) | (quotient & 1u);
    }
    if (exponent < 1) {
        exponent = 1;
    }
    kept = quotient >> 2;
    lost = quotient & 3u;
    if (lost > 2u || (lost == 2u && (kept & 1u) != 0)) {
        ++kept; /* may carry into the exponent, which is right */
    }
    return ((uint32_t)(exponent - 1) << 23) + kept; /* the hidden bit adds the one */
}

static uint32_t divide_positive(uint32_t a, uint32_t b)
{
    int32_t a_exponent, b_exponent, exponent;
    uint32_t divisor, remainder, quotient = 0;

    if (a > INFINITY_BITS || b > INFINITY_BITS || (a == b && (a == 0 || a == INFINITY_BITS))) {
        return NAN_BITS;
    }
    if (a == INFINITY_BITS || b == 0) {
        return INFINITY_BITS;
    }
    if (b == INFINITY_BITS || a == 0) {
        return 0;
    }
    remainder = take_apart(a, &a_exponent);
    divisor = take_apart(b, &b_exponent);
    exponent = a_exponent - b_exponent + 127;
    if (remainder < divisor) {
        remainder <<= 1;
        --exponent;
    }
    for (int bit = 0; bit < 26; ++bit) {
        quotient <<= 1;
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1u;
        }
        remainder <<= 1;
    }
    return round_and_pack(quotient | (remainder != 0 ? 1u : 0u), exponent);
}

float __hexagon_divsf3(float a, float b)
{
    float_bits x = {.value = a}, y = {.value = b};
    uint32_t sign = (x.bits ^ y.bits) & 0x80000000u;

    x.bits = sign | divide_positive(x.bits & 0x7FFFFFFFu, y.bits & 0x7FFFFFFFu);
    return x.value;
}
