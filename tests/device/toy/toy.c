#include "toy.h"

#include <stddef.h>

#define COUNT 8u

static int8_t *arena;
static const int8_t toy_step[COUNT] = {1, 1, 1, 1, 1, 1, 1, 1};

qe_status toy_init(void *memory, uint32_t bytes)
{
    if (memory == NULL || bytes < TOY_ARENA_BYTES) {
        return QE_ERR_ARENA;
    }
    arena = memory;
    return QE_OK;
}

static void toy_reset(void)
{
}

/* Volatile loops: the compiler neither unrolls nor vectorizes them, so counts grow with COUNT. */
qe_status toy_invoke(void)
{
    volatile int8_t *sum = arena + COUNT;

    if (arena == NULL) {
        return QE_ERR_STATE;
    }
    for (uint32_t i = 0; i < COUNT; ++i) {
        sum[i] = (int8_t)(arena[i] + toy_step[i]);
    }
    QE_LAYER_DONE(0, arena + COUNT, COUNT);
    for (uint32_t i = 0; i < COUNT; ++i) {
        sum[i] = (int8_t)(sum[i] * 2);
    }
    QE_LAYER_DONE(1, arena + COUNT, COUNT);
    return QE_OK;
}

static const qe_buffer inputs[] = {{0, COUNT}};
static const qe_buffer outputs[] = {{COUNT, COUNT}};

const qe_model toy_model = {
    .name = "toy",
    .hash = {0x70, 0x79},
    .arena_bytes = TOY_ARENA_BYTES,
    .input_count = 1,
    .output_count = 1,
    .layer_count = 2,
    .inputs = inputs,
    .outputs = outputs,
    .init = toy_init,
    .invoke = toy_invoke,
    .reset = toy_reset,
};
