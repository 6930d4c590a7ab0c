// The tensor cores: int8 products, int32 sums that wrap and therefore are exact in any order.

#pragma once

namespace qe
{

#ifndef QE_SHIM
// d += a (8 x 16) * b (16 x 8). Compute capability 7.5.
__device__ inline void mma_8x8x16(int d[2], unsigned a, unsigned b)
{
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};"
                 : "+r"(d[0]), "+r"(d[1])
                 : "r"(a), "r"(b));
}

#if __CUDA_ARCH__ >= 800
__device__ inline void mma_16x8x32(int d[4], const unsigned a[4], const unsigned b[2])
{
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif
#endif

// d += a (16 x 32) * b (32 x 8), one tile a warp. With g = lane / 4 and t = lane % 4 this thread
// holds: d, row g (then g + 8), columns 2t and 2t + 1; a, rows g, g + 8, g, g + 8, bytes 4t to
// 4t + 3 of the first (a[0], a[1]) or last 16 columns; b, column g, the same bytes.
__device__ inline void multiply_tile(int d[4], const unsigned a[4], const unsigned b[2])
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
    mma_8x8x16(d, a[0], b[0]);
    mma_8x8x16(d + 2, a[1], b[0]);
    mma_8x8x16(d, a[2], b[1]);
    mma_8x8x16(d + 2, a[3], b[1]);
#else
    mma_16x8x32(d, a, b);
#endif
}

} // namespace qe
