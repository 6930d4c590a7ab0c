/*
 * Verify a runtime that is not qembed's: the link beside somebody's own inference.
 *
 * `infer` stands for TensorFlow Lite Micro, CMSIS-NN (which it is with -DWITH_CMSIS_NN) or
 * hand-written kernels; nothing in it knows of qembed. What the link needs of it is in the struct
 * `their_model`: where input and output lie, and two callbacks, `their_init` and `their_invoke`.
 */
#include <string.h>

#include "qe_link.h"
#include "qe_port.h"
#include "weights.h"

enum { INPUTS = 16, OUTPUTS = 4 };

/* ---- theirs ------------------------------------------------------------------------------- */

static struct {
    int8_t input[INPUTS];
    int8_t output[OUTPUTS];
} tensors;

#ifdef WITH_CMSIS_NN
#include "arm_nnfunctions.h"

static void infer(void)
{
    static const cmsis_nn_context no_buffer = {NULL, 0};
    static const cmsis_nn_fc_params params = {
        .input_offset = 3, .output_offset = 5, .activation = {-128, 127}};
    static const cmsis_nn_per_tensor_quant_params scale = {MULTIPLIER, SHIFT};
    static const cmsis_nn_dims in = {1, 1, 1, INPUTS}, out = {1, 1, 1, OUTPUTS};
    static const cmsis_nn_dims filter = {INPUTS, 1, 1, OUTPUTS}, biases = {1, 1, 1, OUTPUTS};

    (void)arm_fully_connected_s8(&no_buffer, &params, &scale, &in, tensors.input, &filter, weights,
                                 &biases, bias, &out, tensors.output);
}

#else

static int32_t scaled(int32_t acc)
{
    int64_t product = (int64_t)acc * MULTIPLIER + (1 << 30);
    int32_t high = (int32_t)(product >> 31);
    int32_t mask = (int32_t)((1u << -SHIFT) - 1u);
    int32_t remainder = high & mask;
#ifdef A_BUG
    remainder = 0; /* forgets to round */
#endif
    return (high >> -SHIFT) + (remainder > (mask >> 1) + (high < 0));
}

static void infer(void)
{
    for (int o = 0; o < OUTPUTS; o++) {
        int32_t acc = bias[o];
        for (int i = 0; i < INPUTS; i++) {
            acc += weights[o * INPUTS + i] * (tensors.input[i] + 3);
        }
        acc = scaled(acc) + 5;
        tensors.output[o] = (int8_t)(acc > 127 ? 127 : acc < -128 ? -128 : acc);
    }
}

#endif

/* ---- what the link is told ---------------------------------------------------------------- */

static qe_status their_init(void *arena, uint32_t bytes)
{
    (void)arena;
    (void)bytes;
    return QE_OK; /* or: allocate tensors, return a negative number if that fails */
}

static qe_status their_invoke(void)
{
    infer();
#ifdef WITH_LAYERS
    /* In the order of an export's "layers": --export tells verify which. */
    qe_layer_done(0, tensors.output, sizeof tensors.output);
#endif
    return QE_OK;
}

static void no_state(void)
{
}

/* Offsets are from `arena`; any buffer that holds the tensors will do. */
static const qe_buffer their_input = {0, INPUTS}, their_output = {INPUTS, OUTPUTS};

static qe_model their_model = {
    .name = "dense",
    .arena_bytes = sizeof tensors,
    .input_count = 1,
    .output_count = 1,
#ifdef WITH_LAYERS
    .layer_count = 1,
#endif
    .inputs = &their_input,
    .outputs = &their_output,
    .init = their_init,
    .invoke = their_invoke,
    .reset = no_state,
};

static const qe_model *const models[] = {&their_model};

static const qe_link_config config = {
    .firmware = "somebody's firmware 1.0",
    .models = models,
    .model_count = 1,
    .arena = &tensors,
    .arena_bytes = sizeof tensors,
    .window = 1024, /* what the receive buffer holds while infer() runs */
    .counter_unit = "",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .write = qe_port_write, /* or: HAL_UART_Transmit(), a queue of an RTOS, ... */
};

/* A bare loop; in an RTOS, the body of a task. The application may do its own work in between. */
int main(void)
{
    uint8_t received[64];
    uint32_t count;

    memcpy(their_model.hash, model_hash, sizeof their_model.hash);
    qe_port_init();
    qe_link_init(&config);
    while ((count = qe_port_read(received, sizeof received)) > 0) {
        qe_link_feed(received, count);
    }
    return 0;
}
