/* A firmware with four hand-written models, for tests of the link. The tests repeat their
 * arithmetic. */
#include <stdlib.h>
#include <string.h>

#include "qe_link.h"
#include "qe_port.h"

#ifndef WINDOW
#define WINDOW 4000
#endif
#ifndef ARENA_BYTES
#define ARENA_BYTES 8192
#endif
static uint8_t memory[ARENA_BYTES + 64];
static uint8_t *base;

static qe_status start(void *arena, uint32_t bytes)
{
    if (arena == NULL || bytes < 8192) {
        return QE_ERR_ARENA;
    }
    base = (uint8_t *)arena;
    base[4096] = 0;
    return QE_OK;
}

static void no_state(void)
{
}

#ifdef DEPTH
/* Keep that much on the stack. */
__attribute__((noinline)) static void go_deep(void)
{
    volatile uint8_t kept[DEPTH + 1];
    for (int i = 0; i <= DEPTH; i++) {
        kept[i] = (uint8_t)i;
    }
    (void)kept[0];
}
#endif

/* small: 40 bytes -> y = 3x + 1 -> 5 sums of 8. */
static qe_status small_invoke(void)
{
    uint8_t *y = base + 100;
    uint8_t *sums = base + 203;
#ifdef DEPTH
    go_deep();
#endif
    for (int i = 0; i < 40; i++) {
        y[i] = (uint8_t)(3 * base[i] + 1);
    }
    QE_LAYER_DONE(0, y, 40);
    memset(sums, 0, 5);
    for (int i = 0; i < 40; i++) {
        sums[i / 8] = (uint8_t)(sums[i / 8] + y[i]);
    }
    QE_LAYER_DONE(1, sums, 5);
#ifdef WRITE_AT
    base[WRITE_AT] ^= 1; /* a bug */
#endif
    return QE_OK;
}

/* wide: inputs of 300 and 1701 bytes, reversed and complemented in place; two outputs. */
static qe_status wide_invoke(void)
{
    uint8_t *x = base + 512;
    if (memcmp(base, "crash", 5) == 0) {
        abort();
    }
    for (int i = 0; i < 1701; i++) {
        base[2500 + i] = (uint8_t)~x[1700 - i];
    }
    QE_LAYER_DONE(0, base + 2500, 1701);
    for (int i = 0; i < 300; i++) {
        base[i] = (uint8_t)(base[i] ^ base[2500 + i]);
    }
    QE_LAYER_DONE(1, base, 300);
    return QE_OK;
}

/* adder: state += x, 4 bytes. */
static uint8_t total[4];

static void adder_reset(void)
{
    memset(total, 7, sizeof total);
}

static qe_status adder_invoke(void)
{
    for (int i = 0; i < 4; i++) {
        total[i] = (uint8_t)(total[i] + base[i]);
    }
    memcpy(base + 8, total, 4);
    QE_LAYER_DONE(0, base + 8, 4);
    return QE_OK;
}

/* rows: 5 rows of 11 bytes, pushed -> y = 2x + 1 -> 5 sums. The input is never whole. */
static uint32_t row;

static void rows_reset(void)
{
    row = 0;
}

static void *rows_input(void)
{
    return base + 1000 + 16 * (row % 2);
}

static qe_status rows_push(void)
{
    const uint8_t *x = (const uint8_t *)rows_input();
    uint8_t *y = base + 1100, *sums = base + 1200;
    sums[row] = 0;
    for (int i = 0; i < 11; i++) {
        y[i] = (uint8_t)(2 * x[i] + 1);
        sums[row] = (uint8_t)(sums[row] + y[i]);
    }
    QE_LAYER_ROW(0, y, 11, row, 5);
    if (++row < 5) {
        return QE_MORE;
    }
    row = 0;
    QE_LAYER_DONE(1, sums, 5);
    return QE_OK;
}

static const qe_buffer rows_in = {1000, 55}, rows_out = {1200, 5};
static const qe_buffer small_in = {0, 40}, small_out = {203, 5};
static const qe_buffer wide_in[] = {{0, 300}, {512, 1701}}, wide_out[] = {{0, 300}, {2500, 1701}};
static const qe_buffer adder_in = {0, 4}, adder_out = {8, 4};

#ifdef EMPTY_IN
/* empty: the sizes of a network, and nothing computed. */
static qe_status empty_invoke(void)
{
    for (uint32_t layer = 0; layer < EMPTY_LAYERS; layer++) {
        QE_LAYER_DONE(layer, base, 4);
    }
    return QE_OK;
}

static const qe_buffer empty_in = {0, EMPTY_IN}, empty_out = {0, EMPTY_OUT};
static const qe_model empty = {"empty",      {4},       8192,       1,     1,
                               EMPTY_LAYERS, &empty_in, &empty_out, start, empty_invoke,
                               no_state,     "",        NULL,       NULL,  0};
#endif

static const qe_model small = {"small",  {1},         8192,       1,     1,
                               2,        &small_in,   &small_out, start, small_invoke,
                               no_state, "by-hand-1", NULL,       NULL,  0};
static const qe_model wide = {"wide",   {2},         8192,     2,     2,
                              2,        wide_in,     wide_out, start, wide_invoke,
                              no_state, "by-hand-2", NULL,     NULL,  0};
static const qe_model adder = {"adder",     {3},       8192,       1,     1,
                               1,           &adder_in, &adder_out, start, adder_invoke,
                               adder_reset, NULL,      NULL,       NULL,  0};
static const qe_model rows = {"rows",     {5},      8192,       1,         1,
                              2,          &rows_in, &rows_out,  start,     NULL,
                              rows_reset, "",       rows_input, rows_push, 11};
#ifdef EMPTY_IN
static const qe_model *const models[] = {&small, &wide, &adder, &rows, &empty};
#else
static const qe_model *const models[] = {&small, &wide, &adder, &rows};
#endif

#ifdef WATCH_STACK
#define CONSTANT
#else
#define CONSTANT const
#endif
static CONSTANT qe_link_config config = {
    .firmware = "test 1",
    .models = models,
    .model_count = sizeof models / sizeof models[0],
    .arena = memory,
    .arena_bytes = sizeof memory,
    .window = WINDOW,
    .counter_unit = "nanoseconds",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .write = qe_port_write,
    .count = qe_port_count,
};

int main(void)
{
    uint8_t received[64];
    uint32_t count;

#ifdef WATCH_STACK
    config.stack_low = (void *)((uintptr_t)received - 65536);
#endif
    qe_port_init();
    qe_link_init(&config);
    while ((count = qe_port_read(received, sizeof received)) > 0) {
        qe_link_feed(received, count);
    }
    return 0;
}
