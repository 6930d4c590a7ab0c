/* FULLY_CONNECTED for Helium: four outputs at a time, 16 inputs an instruction. */
#include "qe_fully_connected_mve.h"

#if QE_HAS_MVE

#define STEP                                                                                       \
    "    vldrw.32 %q[x], [%[input]], #16\n"                                                        \
    "    vldrw.32 %q[w], [%[weights]], #16\n"                                                      \
    "    vmladava.s8 %[s0], %q[x], %q[w]\n"                                                        \
    "    vldrw.32 %q[w], [%[weights]], #16\n"                                                      \
    "    vmladava.s8 %[s1], %q[x], %q[w]\n"                                                        \
    "    vldrw.32 %q[w], [%[weights]], #16\n"                                                      \
    "    vmladava.s8 %[s2], %q[x], %q[w]\n"                                                        \
    "    vldrw.32 %q[w], [%[weights]], #16\n"                                                      \
    "    vmladava.s8 %[s3], %q[x], %q[w]\n"

/* Nine instructions for 64 MACs: `rest` steps, then four a turn. */
static inline int32x4_t add_products(const int8_t *input, const int8_t **weights, int32_t rest,
                                     int32_t turns)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int8_t *from = *weights;
    int8x16_t x, w;
    __asm__ volatile("    wls lr, %[rest], 2f\n"
                     "1:\n" STEP "    le lr, 1b\n"
                     "2:  wls lr, %[turns], 4f\n"
                     "3:\n" STEP STEP STEP STEP "    le lr, 3b\n"
                     "4:\n"
                     : [s0] "+Te"(s0), [s1] "+Te"(s1), [s2] "+Te"(s2), [s3] "+Te"(s3),
                       [input] "+r"(input), [weights] "+r"(from), [x] "=&w"(x), [w] "=&w"(w)
                     : [rest] "r"(rest), [turns] "r"(turns)
                     : "lr", "cc", "memory");
    *weights = from;
    return qe_mve_pack(s0, s1, s2, s3);
}

static void run_row(const qe_fully_connected_mve_params *params, const int8_t *input,
                    int8_t *output)
{
    const qe_mve_output quantization = params->quantization;
    const int32_t rest = params->vectors % 4, turns = params->vectors / 4, step = params->step;
    const int8_t *weights = params->weights;
    const int32_t *bias = params->bias, *multiplier = params->multiplier, *shift = params->shift;
    for (int32_t left = params->outputs; left > 0; left -= 4) {
        int32x4_t y = add_products(input, &weights, rest, turns);
        y = vaddq_s32(y, vldrwq_s32(bias));
        y = qe_mve_scale(y, vldrwq_s32(multiplier), vldrwq_s32(shift), &quantization);
        qe_mve_store(output, qe_mve_clamp(y, &quantization), left);
        bias += 4;
        multiplier += step;
        shift += step;
        output += 4;
    }
}

void qe_fully_connected_mve(const qe_fully_connected_mve_params *params, const int8_t *input,
                            int8_t *output)
{
    for (int32_t left = params->rows; left > 0; left--) {
        run_row(params, input, output);
        input += params->inputs;
        output += params->outputs;
    }
}

void qe_fully_connected_padded_mve(const qe_fully_connected_mve_params *params, const int8_t *input,
                                   int8_t *output, void *scratch)
{
    int8_t *padded = scratch;
    memset(padded, 0, (size_t)(16 * params->vectors));
    for (int32_t left = params->rows; left > 0; left--) {
        qe_mve_copy(padded, input, params->inputs);
        run_row(params, padded, output);
        input += params->inputs;
        output += params->outputs;
    }
}

#endif
