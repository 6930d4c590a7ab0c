// CUDA C++ on a CPU: each thread of a block is a fiber, and the fibers run in an order of the
// test's choice. What only works in one order is a race, and shows as wrong bytes.
//
// Put in front of a kernel file: g++ -x c++ -include shim.h. `shim_launch` runs a grid, block after
// block. A thread gives way at a barrier alone, so everything between two barriers happens at once:
// a missing barrier is as bad here as it can ever be on a GPU.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#define QE_SHIM
#define __device__
#define __global__
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y = 1, z = 1;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};

namespace shim
{

enum State { RUNNING, AT_BLOCK_BARRIER, AT_WARP_BARRIER, DONE };

struct Fiber {
    void *stack_pointer;
    unsigned index;
    State state;
    int line; // of the barrier
};

struct Warp {
    unsigned slots[32][8]; // what lanes show each other
};

typedef void (*Kernel)(const void *steps, int count, int first, int batch);

struct Block {
    void *scheduler;
    Fiber *current;
    dim3 index, threads, blocks;
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    std::vector<unsigned> order;
    std::vector<char> shared, stacks;
    Kernel kernel;
    const void *steps;
    int count, first, batch;
};

inline Block *block;
const size_t STACK_BYTES = 64 << 10;
const unsigned WARP_SIZE = 32;

// Save the registers that a call must keep, change stacks, restore.
extern "C" void shim_switch(void **save, void *load);
#if defined(__x86_64__)
asm(".text\n.globl shim_switch\nshim_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
const size_t FRAME_BYTES = 64, RETURN_AT = 48;
#elif defined(__aarch64__)
asm(".text\n.globl shim_switch\nshim_switch:\n"
    "sub sp, sp, #160\n"
    "stp x19, x20, [sp, #0]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\n"
    "stp x25, x26, [sp, #48]\nstp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\n"
    "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\nstp d12, d13, [sp, #128]\n"
    "stp d14, d15, [sp, #144]\n"
    "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
    "ldp x19, x20, [sp, #0]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\n"
    "ldp x25, x26, [sp, #48]\nldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\n"
    "ldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\nldp d12, d13, [sp, #128]\n"
    "ldp d14, d15, [sp, #144]\nadd sp, sp, #160\nret\n");
const size_t FRAME_BYTES = 160, RETURN_AT = 88;
#else
#error "write the switch of fibers for this processor"
#endif

inline void fail(const char *what, int line)
{
    fprintf(stderr, "shim: %s, at line %d\n", what, line);
    abort();
}

inline void give_way(State state, int line)
{
    Fiber *fiber = block->current;
    fiber->state = state;
    fiber->line = line;
    shim_switch(&fiber->stack_pointer, block->scheduler);
}

inline void enter()
{
    block->kernel(block->steps, block->count, block->first, block->batch);
    give_way(DONE, 0);
}

// A stack on which the first switch returns into `enter`.
inline void *fresh_stack(char *top)
{
    uintptr_t aligned = reinterpret_cast<uintptr_t>(top) & ~static_cast<uintptr_t>(15);
    char *frame = reinterpret_cast<char *>(aligned) - FRAME_BYTES;
    memset(frame, 0, FRAME_BYTES);
    void (*start)() = enter;
    memcpy(frame + RETURN_AT, &start, sizeof(start));
    return frame;
}

// Open the barriers at which all that are still running have arrived; false if there are none.
inline bool open_barriers(Block &b)
{
    bool opened = false;
    size_t waiting = 0, running = 0;
    for (size_t start = 0; start < b.fibers.size(); start += WARP_SIZE) {
        size_t stop = std::min(b.fibers.size(), start + WARP_SIZE), arrived = 0, alive = 0;
        for (size_t i = start; i < stop; i++) {
            arrived += b.fibers[i].state == AT_WARP_BARRIER;
            alive += b.fibers[i].state != DONE;
            waiting += b.fibers[i].state == AT_BLOCK_BARRIER;
        }
        running += alive;
        if (arrived && arrived != stop - start) {
            fail("not all lanes of a warp are at its barrier", b.fibers[start].line);
        }
        for (size_t i = start; arrived && i < stop; i++) {
            if (b.fibers[i].line != b.fibers[start].line) {
                fail("lanes of a warp are at different barriers", b.fibers[i].line);
            }
            b.fibers[i].state = RUNNING;
            opened = true;
        }
    }
    if (!opened && waiting) {
        if (waiting != b.fibers.size()) {
            fail("not all threads of a block are at its barrier", b.fibers[0].line);
        }
        for (Fiber &fiber : b.fibers) {
            if (fiber.line != b.fibers[0].line) {
                fail("threads of a block are at different barriers", fiber.line);
            }
            fiber.state = RUNNING;
        }
        opened = true;
    }
    return opened && running;
}

inline void run_block(Block &b)
{
    memset(b.shared.data(), 0xA5, b.shared.size());
    for (size_t i = 0; i < b.fibers.size(); i++) {
        char *top = b.stacks.data() + (i + 1) * STACK_BYTES;
        b.fibers[i] = {fresh_stack(top), static_cast<unsigned>(i), RUNNING, 0};
    }
    do {
        for (unsigned i : b.order) {
            b.current = &b.fibers[i];
            if (b.current->state == RUNNING) {
                shim_switch(&b.scheduler, b.current->stack_pointer);
            }
        }
    } while (open_barriers(b));
}

// Order 0: forward, 1: backward, others: a permutation of that number.
inline void set_order(Block &b, unsigned order)
{
    size_t n = b.fibers.size();
    b.order.resize(n);
    for (size_t i = 0; i < n; i++) {
        b.order[i] = static_cast<unsigned>(order == 1 ? n - 1 - i : i);
    }
    uint32_t state = order * 2654435761u;
    for (size_t i = n; order > 1 && i > 1; i--) {
        state = state * 1664525u + 1013904223u;
        std::swap(b.order[i - 1], b.order[(state >> 8) % i]);
    }
}

inline unsigned lane()
{
    return block->current->index % WARP_SIZE;
}

inline Warp &warp()
{
    return block->warps[block->current->index / WARP_SIZE];
}

} // namespace shim

extern "C" inline __attribute__((used)) void shim_launch(shim::Kernel kernel, unsigned blocks,
                                                         unsigned threads, size_t shared,
                                                         unsigned order, const void *steps,
                                                         int count, int first, int batch)
{
    shim::Block b = {};
    b.threads = {threads};
    b.blocks = {blocks};
    b.fibers.resize(threads);
    b.warps.resize((threads + shim::WARP_SIZE - 1) / shim::WARP_SIZE);
    b.shared.resize(shared + 16);
    b.stacks.resize((threads + 1) * shim::STACK_BYTES);
    b.kernel = kernel;
    b.steps = steps;
    b.count = count;
    b.first = first;
    b.batch = batch;
    shim::block = &b;
    shim::set_order(b, order);
    for (unsigned i = 0; i < blocks; i++) {
        b.index = {order == 1 ? blocks - 1 - i : i};
        shim::run_block(b);
    }
}

// The language.

#define threadIdx (dim3{shim::block->current->index})
#define blockIdx (shim::block->index)
#define blockDim (shim::block->threads)
#define gridDim (shim::block->blocks)
#define __syncthreads() shim::give_way(shim::AT_BLOCK_BARRIER, __LINE__)
#define QE_DYNAMIC_SHARED(name)                                                                    \
    char *name = reinterpret_cast<char *>(                                                         \
        (reinterpret_cast<uintptr_t>(shim::block->shared.data()) + 15) & ~uintptr_t{15})

template <class A, class B> inline std::common_type_t<A, B> min(A a, B b)
{
    return b < a ? b : a;
}

template <class A, class B> inline std::common_type_t<A, B> max(A a, B b)
{
    return a < b ? b : a;
}

template <class T> inline T __shfl_xor_sync(unsigned, T value, int mask)
{
    static_assert(sizeof(T) <= sizeof(shim::Warp::slots[0]));
    memcpy(shim::warp().slots[shim::lane()], &value, sizeof(T));
    shim::give_way(shim::AT_WARP_BARRIER, __LINE__);
    memcpy(&value, shim::warp().slots[shim::lane() ^ static_cast<unsigned>(mask)], sizeof(T));
    shim::give_way(shim::AT_WARP_BARRIER, __LINE__);
    return value;
}

inline int __dp4a(int a, int b, int c)
{
    unsigned sum = static_cast<unsigned>(c);
    for (int i = 0; i < 32; i += 8) {
        sum += static_cast<unsigned>(static_cast<int8_t>(a >> i) * static_cast<int8_t>(b >> i));
    }
    return static_cast<int>(sum);
}

inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector)
{
    uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
    unsigned result = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned byte = (selector >> (4 * i)) & 7;
        result |= static_cast<unsigned>(bytes >> (8 * byte) & 0xff) << (8 * i);
    }
    return result;
}

inline int __clz(int x)
{
    return x ? __builtin_clz(static_cast<unsigned>(x)) : 32;
}

// Compiled without contraction: every operation is rounded by itself.
inline float __fmul_rn(float a, float b)
{
    return a * b;
}

inline float __fsub_rn(float a, float b)
{
    return a - b;
}

inline float __fdiv_rn(float a, float b)
{
    return a / b;
}

inline double __dmul_rn(double a, double b)
{
    return a * b;
}

inline double __dadd_rn(double a, double b)
{
    return a + b;
}

inline float __ll2float_rn(long long x)
{
    return static_cast<float>(x);
}

inline double __ll2double_rn(long long x)
{
    return static_cast<double>(x);
}

inline long long __float2ll_rn(float x)
{
    float nearest = std::nearbyint(x);
    if (nearest >= 9223372036854775808.0f) {
        return INT64_MAX;
    }
    return nearest < -9223372036854775808.0f ? INT64_MIN : static_cast<long long>(nearest);
}

// Tensor cores, as the PTX manual lays the fragments out (mma.m8n8k16 and m16n8k32 of .s8): value i
// of matrix element (row, column) comes from the lane and register given there, not from the
// kernels' own picture of it.

namespace shim
{

// Byte of a register that a lane showed.
inline int shown_byte(unsigned lane, unsigned slot, unsigned byte)
{
    return static_cast<int8_t>(warp().slots[lane][slot] >> (8 * byte));
}

// A, rows x depth: row 8r + g, column 16h + 4t + i is byte i of register (rows / 8) * h + r of lane
// 4g + t. B, depth x 8: row 16h + 4t + i, column g is byte i of register h of that lane.
inline void multiply_fragments(int *d, const unsigned *a, const unsigned *b, int row_halves,
                               int depth_halves)
{
    const unsigned FIRST_B = 4;
    for (int i = 0; i < row_halves * depth_halves; i++) {
        warp().slots[lane()][i] = a[i];
    }
    for (int i = 0; i < depth_halves; i++) {
        warp().slots[lane()][FIRST_B + static_cast<unsigned>(i)] = b[i];
    }
    give_way(AT_WARP_BARRIER, __LINE__);
    // D: row 8r + g, column 2t + i is register 2r + i of lane 4g + t.
    unsigned g = lane() / 4, t = lane() % 4;
    for (int r = 0; r < row_halves; r++) {
        for (unsigned i = 0; i < 2; i++) {
            unsigned sum = static_cast<unsigned>(d[2 * r + static_cast<int>(i)]);
            for (unsigned k = 0; k < static_cast<unsigned>(16 * depth_halves); k++) {
                unsigned half = k / 16, from = k % 16 / 4, byte = k % 4;
                unsigned slot = static_cast<unsigned>(row_halves) * half + static_cast<unsigned>(r);
                int product = shown_byte(4 * g + from, slot, byte) *
                              shown_byte(4 * (2 * t + i) + from, FIRST_B + half, byte);
                sum += static_cast<unsigned>(product);
            }
            d[2 * r + static_cast<int>(i)] = static_cast<int>(sum);
        }
    }
    give_way(AT_WARP_BARRIER, __LINE__);
}

} // namespace shim

namespace qe
{

inline void mma_8x8x16(int d[2], unsigned a, unsigned b)
{
    shim::multiply_fragments(d, &a, &b, 1, 1);
}

inline void mma_16x8x32(int d[4], const unsigned a[4], const unsigned b[2])
{
    shim::multiply_fragments(d, a, b, 2, 2);
}

} // namespace qe
