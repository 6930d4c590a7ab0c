/* FULLY_CONNECTED for Helium: four outputs at a time, 16 inputs an instruction. */
#include "qe_fully_connected_mve.h"

#if QE_HAS_MVE

/* clang-format off */

/* 16 inputs of four outputs: nine instructions for 64 MACs. */
#define STEP(mla) \
    "    vldrw.32 %q[v], [%[x]], #16\n" \
    "    vldrw.32 %q[w], [%[block]], #16\n" \
    "    " mla ".s8 %[s0], %q[v], %q[w]\n" \
    "    vldrw.32 %q[w], [%[block]], #16\n" \
    "    " mla ".s8 %[s1], %q[v], %q[w]\n" \
    "    vldrw.32 %q[w], [%[block]], #16\n" \
    "    " mla ".s8 %[s2], %q[v], %q[w]\n" \
    "    vldrw.32 %q[w], [%[block]], #16\n" \
    "    " mla ".s8 %[s3], %q[v], %q[w]\n"

/* All inputs of four outputs, `rest` steps after the first. */
#define SUMS \
    "    ldr %[x], %[input]\n" \
    STEP("vmladav") \
    "    lsrs lr, %[rest], #1\n" \
    "    bcc 2f\n" \
    STEP("vmladava") \
    "2:  wls lr, lr, 4f\n" \
    "3:\n" \
    STEP("vmladava") \
    STEP("vmladava") \
    "    le lr, 3b\n" \
    "4:  vmov %q[y][2], %q[y][0], %[s0], %[s2]\n" \
    "    vmov %q[y][3], %q[y][1], %[s1], %[s3]\n"

/* Sums to bytes, as far as there are outputs. */
#define FINISH \
    "    vldrw.32 %q[w], [%[block]], #16\n" \
    "    vadd.i32 %q[y], %q[y], %q[w]\n" \
    "    vldrw.32 %q[w], [%[scale]]\n" \
    "    vqrdmulh.s32 %q[y], %q[y], %q[w]\n" \
    "    vldrw.32 %q[w], [%[scale], #16]\n" \
    "    add %[scale], %[scale], %[step]\n" \
    "    cbz %[signed_ties], 5f\n" \
    "    vand %q[v], %q[y], %q[w]\n" /* as qe_mve_ties_away */ \
    "    vshr.s32 %q[v], %q[v], #31\n" \
    "    vadd.i32 %q[y], %q[y], %q[v]\n" \
    "5:  vrshl.s32 %q[y], %q[y], %q[w]\n" \
    "    ldr %[s0], %[zero_point]\n" \
    "    vqmovnb.s32 %q[y], %q[y]\n" \
    "    vqadd.s16 %q[y], %q[y], %[s0]\n" \
    "    vqmovnb.s16 %q[y], %q[y]\n" \
    "    vctp.32 %[outputs]\n" \
    "    vpst\n" \
    "    vstrbt.32 %q[y], [%[to]], #4\n"

/* clang-format on */

/* All outputs of a row, its inputs whole vectors. One asm statement: with intrinsics gcc 12 takes
 * twice as many instructions around the sums. It takes all core registers: no other code beside it.
 */
__attribute__((noinline)) static void run_row(const qe_fully_connected_mve_params *params,
                                              const int8_t *input, int8_t *output)
{
    const int8_t *block = params->blocks, *x;
    const int32_t *scale = params->scales;
    const int32_t zero_point = params->quantization.zero_point;
    int32_t outputs = params->outputs, s0, s1, s2, s3;
    int32x4_t y, v, w;
    __asm__ volatile(
        "1:\n" SUMS FINISH "    subs %[outputs], #4\n"
        "    bgt 1b\n"
        : [block] "+r"(block), [scale] "+r"(scale), [outputs] "+r"(outputs), [to] "+l"(output),
          [x] "=&r"(x), [s0] "=&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2), [s3] "=&Te"(s3),
          [y] "=&w"(y), [v] "=&w"(v), [w] "=&w"(w)
        : [input] "m"(input), [rest] "r"(params->vectors - 1), [step] "r"(params->step),
          [signed_ties] "l"(params->quantization.signed_ties), [zero_point] "m"(zero_point)
        : "lr", "p0", "cc", "memory");
}

static void run_rows(const qe_fully_connected_mve_params *params, const int8_t *input,
                     int8_t *output, int8_t *padded)
{
    const int32_t inputs = params->inputs, outputs = params->outputs;
    int8_t *to = output;
    for (int32_t left = params->rows; left > 0; left--) {
        if (padded != NULL) {
            qe_mve_copy(padded, input, inputs);
        }
        run_row(params, padded != NULL ? padded : input, to);
        input += inputs;
        to += outputs;
    }
    qe_mve_clamp(output, params->rows * outputs, &params->quantization);
}

void qe_fully_connected_mve(const qe_fully_connected_mve_params *params, const int8_t *input,
                            int8_t *output)
{
    run_rows(params, input, output, NULL);
}

void qe_fully_connected_padded_mve(const qe_fully_connected_mve_params *params, const int8_t *input,
                                   int8_t *output, void *scratch)
{
    run_rows(params, input, output, scratch);
}

#endif
