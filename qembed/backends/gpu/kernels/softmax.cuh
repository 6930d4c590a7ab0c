// Exponentials of int8 rows, a warp for each row.

#pragma once

namespace qe
{

const int SUM_INTEGER_BITS = 12; // of the sum of exponentials: Q12.19

__device__ inline int row_max(const int8_t *x, int size, int lane)
{
    int largest = -128;
    for (int i = lane; i < size; i += WARP) {
        largest = max(largest, static_cast<int>(x[i]));
    }
    return warp_max(largest);
}

// exp((x - largest) * beta * scale), Q0.31.
__device__ inline int exp_of_difference(int difference, int multiplier, int shift)
{
    return exp_of_negative(high_multiply(shift_left(difference, shift), multiplier));
}

// Sum of the row's exponentials, Q12.19.
__device__ inline int sum_of_exps(const int8_t *x, int size, int lane, int largest, int diff_min,
                                  int multiplier, int shift)
{
    int sum = 0;
    for (int i = lane; i < size; i += WARP) {
        int difference = x[i] - largest;
        if (difference >= diff_min) {
            sum +=
                divide_by_power(exp_of_difference(difference, multiplier, shift), SUM_INTEGER_BITS);
        }
    }
    return warp_sum(sum);
}

} // namespace qe
