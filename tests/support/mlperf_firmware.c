/* A firmware with link and runner around one hand-written model of 70 bytes: y = x rotated by one.
 */
#include <stddef.h>

#include "qe_link.h"
#include "qe_mlperf.h"
#include "qe_port.h"

#ifndef KIND
#define KIND QE_MLPERF_SIGNED
#endif
#define BYTES 70u

static uint8_t memory[2 * BYTES];
static uint8_t *base;

static qe_status start(void *arena, uint32_t bytes)
{
    base = arena;
    return bytes < sizeof memory ? QE_ERR_ARENA : QE_OK;
}

static qe_status invoke(void)
{
    for (uint32_t i = 0; i < BYTES; i++) {
        base[BYTES + i] = base[(i + 1) % BYTES];
    }
    QE_LAYER_DONE(0, base + BYTES, BYTES);
    base[0] ^= 1; /* the input does not survive */
    return QE_OK;
}

static void no_state(void)
{
}

static const qe_buffer input = {0, BYTES}, output = {BYTES, BYTES};
static const qe_model model = {"turn", {9},    2 * BYTES, 1,  1,    1,    &input, &output,
                               start,  invoke, no_state,  "", NULL, NULL, 0};
static const qe_model *const models[] = {&model};

static const qe_link_config config = {
    .firmware = "turn",
    .models = models,
    .model_count = 1,
    .arena = memory,
    .arena_bytes = sizeof memory,
    .window = 4000,
    .counter_unit = "nanoseconds",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .write = qe_port_write,
    .count = qe_port_count,
};

static uint8_t data[4 * BYTES];

static const qe_mlperf_config benchmark = {
    .vendor = "test",
    .model_id = "kws01",
    .model = &model,
    .kind = KIND,
    .arena = memory,
    .arena_bytes = sizeof memory,
    .data = data,
    .data_bytes = sizeof data,
    .input_scale = 0.5f,
    .input_zero_point = 3,
    .output_scale = 0.00390625f,
    .output_zero_point = -128,
    .ticks_per_second = 1000000000u,
    .write = qe_port_write,
    .count = qe_port_count,
    .take_over = qe_link_forget,
};

int main(void)
{
    uint8_t received[64];
    uint32_t count;

    qe_port_init();
    qe_link_init(&config);
    qe_mlperf_init(&benchmark);
    while ((count = qe_port_read(received, sizeof received)) > 0) {
        qe_link_feed(received, count);
        qe_mlperf_feed(received, count);
    }
    return 0;
}
