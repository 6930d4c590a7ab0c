/* What each instruction set has for int8 activations alone: pooling, ADD, MUL and the
 * peak. After micro.h. */
#include "pool.h"

static void NAME(average_pool)(const void *data, const void **inputs, void **outputs, void *scratch,
                               ptrdiff_t batch)
{
    average_pool(data, inputs[0], outputs[0], scratch, batch);
}

static void NAME(max_pool)(const void *data, const void **inputs, void **outputs, void *scratch,
                           ptrdiff_t batch)
{
    (void)scratch;
    max_pool(data, inputs[0], outputs[0], batch);
}

static void NAME(average_pool_part)(const void *data, const void **inputs, void **outputs,
                                    void *scratch, ptrdiff_t part, ptrdiff_t parts)
{
    qh_pool layer = *(const qh_pool *)data;
    void *y = outputs[0];
    qh_cut_pool(&layer, &y, part, parts);
    average_pool(&layer, inputs[0], y, scratch, 1);
}

static void NAME(max_pool_part)(const void *data, const void **inputs, void **outputs,
                                void *scratch, ptrdiff_t part, ptrdiff_t parts)
{
    qh_pool layer = *(const qh_pool *)data;
    void *y = outputs[0];
    (void)scratch;
    qh_cut_pool(&layer, &y, part, parts);
    max_pool(&layer, inputs[0], y, 1);
}

/* ------------------------------------------------------------------ the most there is */

/* Products of registers alone: what no kernel can surpass. Returns their number. */
static int64_t NAME(peak)(ptrdiff_t repeats)
{
    enum { CHAINS = LANES == 8 ? 12 : 24, ROUNDS = 4 }; /* as many as a tile's */
    ints sums[TILE];
    const staged four[STEP] = {1};
    const ints x = broadcast(four);
    UNROLL for (int i = 0; i < CHAINS; i++)
    {
        sums[i] = x;
    }
    for (ptrdiff_t i = 0; i < repeats; i++) {
        UNROLL for (int k = 0; k < CHAINS * ROUNDS; k++)
        {
            sums[k % CHAINS] = multiply(sums[k % CHAINS], x);
        }
    }
    UNROLL for (int i = 0; i < CHAINS; i++)
    {
        KEEP(sums[i]);
    }
    return (int64_t)repeats * CHAINS * ROUNDS * LANES * STEP;
}

/* ------------------------------------------------------------------ element-wise */

typedef int32_t numbers __attribute__((vector_size(4 * LANES)));

/* LANES neighbours, or one value for all. */
INLINE ints operand(const int8_t *x, const ptrdiff_t step, ptrdiff_t at)
{
    if (step == 0) {
        return (ints)((numbers){0} + *x);
    }
    return widened(x + at);
}

INLINE ints product(const qh_mul *layer, ints x1, ints x2)
{
    const numbers both = ((numbers)x1 - layer->zero_point1) * ((numbers)x2 - layer->zero_point2);
    return scaled((ints)(both + layer->move), layer->scaling, layer->scaling->form,
                  layer->zero_point, layer->low, layer->high);
}

enum { ADDING, MULTIPLYING };

/* 4 * LANES results. */
INLINE void pairs(const int operation, const void *layer, const int8_t *x1, const ptrdiff_t step1,
                  const int8_t *x2, const ptrdiff_t step2, int8_t *y)
{
    const qh_add *add = layer;
    const qh_mul *mul = layer;
    const int32_t low = operation == ADDING ? add->low : mul->low;
    const int32_t high = operation == ADDING ? add->high : mul->high;
    ints results[4];
    UNROLL for (int v = 0; v < 4; v++)
    {
        const ints one = operand(x1, step1, v * LANES), two = operand(x2, step2, v * LANES);
        results[v] = operation == ADDING ? add_line(add, one, two) : product(mul, one, two);
    }
    const packed q = pack4(results[0], results[1], results[2], results[3]);
    store_packed(y, clamped(pixels_in_order(q, 4), low, high));
}

INLINE void row(const int operation, const void *layer, const int8_t *x1, const ptrdiff_t step1,
                const int8_t *x2, const ptrdiff_t step2, int8_t *y, ptrdiff_t count)
{
    enum { SIZE = 4 * LANES };
    ptrdiff_t i = 0;
    for (; i + SIZE <= count; i += SIZE) {
        pairs(operation, layer, x1 + i * step1, step1, x2 + i * step2, step2, y + i);
    }
    if (i < count) {
        const size_t rest = (size_t)(count - i);
        int8_t last1[SIZE] = {0}, last2[SIZE] = {0}, last[SIZE];
        memcpy(last1, x1 + i * step1, step1 ? rest : 1);
        memcpy(last2, x2 + i * step2, step2 ? rest : 1);
        pairs(operation, layer, last1, step1, last2, step2, last);
        memcpy(y + i, last, rest);
    }
}

#define ROW(name, operation)                                                                       \
    static void NAME(name)(const void *layer, const void *x1, ptrdiff_t step1, const void *x2,     \
                           ptrdiff_t step2, void *y, ptrdiff_t count)                              \
    {                                                                                              \
        if (step1 == 0) {                                                                          \
            row(operation, layer, x1, 0, x2, 1, y, count);                                         \
        } else if (step2 == 0) {                                                                   \
            row(operation, layer, x1, 1, x2, 0, y, count);                                         \
        } else {                                                                                   \
            row(operation, layer, x1, 1, x2, 1, y, count);                                         \
        }                                                                                          \
    }
ROW(add, ADDING)
ROW(mul, MULTIPLYING)
#undef ROW

#define QH_BYTE_FIELDS                                                                             \
    .average_pool = NAME(average_pool), .average_pool_part = NAME(average_pool_part),              \
    .max_pool = NAME(max_pool), .max_pool_part = NAME(max_pool_part), .add = NAME(add),            \
    .mul = NAME(mul), .peak = NAME(peak)
