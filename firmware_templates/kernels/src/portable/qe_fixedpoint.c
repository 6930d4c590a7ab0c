/* The roundings that are too rare to be inlined. Interface: qe_fixedpoint.h. */
#include "qe_fixedpoint.h"

int32_t qe_requantize_once(int64_t acc, int32_t multiplier, int32_t shift, int32_t rounding)
{
    if (rounding == QE_ROUND_WIDE) {
        const int32_t reduced =
            (multiplier < INT32_C(0x7FFF0000)) ? ((multiplier + 0x8000) >> 16) : 0x7FFF;
        const int32_t right = 15 - shift;
        return (int32_t)((acc * reduced + ((int64_t)1 << (right - 1))) >> right);
    }
    const int32_t right = 31 - shift;
    const int64_t product = (int64_t)(int32_t)acc * multiplier;
    const int64_t scaled = (product + ((int64_t)1 << (right - 1))) >> right;
    return (scaled < INT32_MIN) ? INT32_MIN : ((scaled > INT32_MAX) ? INT32_MAX : (int32_t)scaled);
}
