/* FULLY_CONNECTED for the Cortex-M DSP extension: six outputs at a time.
 * docs/kernels-cortex-m4.md explains the arithmetic and counts the instructions. */
#include "qe_fully_connected_dsp.h"

#define BLOCK 6
#define LOW_FLIP 0x007F007FU /* turns the even bytes x of a word into 127 - x */

/* One row on its way through the blocks. The assembly below knows the offsets. */
typedef struct {
    const uint32_t *weights;  /*  0: of the next block */
    const int8_t *input;      /*  4 */
    int32_t rounds;           /*  8: of UNROLL groups, the first one perhaps shorter */
    uint32_t start;           /* 12: bytes of code that the first round leaves out */
    const int32_t *bias;      /* 16: of the next block */
    int32_t multiplier;       /* 20: of all outputs, if shift is not 0 */
    int32_t shift;            /* 24: 0 if outputs differ: then the sums are left to the caller */
    int32_t offset;           /* 28 */
    int32_t negative_mask;    /* 32 */
    int8_t *output;           /* 36: of the next block */
    const int8_t *output_end; /* 40 */
    int32_t sums[BLOCK];      /* 44: times 256 */
} qe_row;

#if QE_HAS_DSP

#define UNROLL 8
#define GROUP_CODE_BYTES 92

/* r0 weights, r1 input, r2 rounds, r3 lr four inputs, r4-r9 sums, r10-r12 weights: with six outputs
 * the expansion of the inputs, done anew for each block, costs two instructions in 24 MACs, and no
 * memory. gcc 12 cannot keep so many registers in an asm statement. Runs all blocks, or one if
 * the outputs differ in scale. */
__attribute__((naked, noinline)) static void run_blocks(qe_row *row __attribute__((unused)))
{
    __asm__ volatile(
        ".macro three_outputs even, odd, first, second, third\n"
        "    ldmia.w r0!, {r10, r11, r12}\n"
        "    smlad \\first, \\even, r10, \\first\n"
        "    smlad \\second, \\even, r11, \\second\n"
        "    smlad \\third, \\even, r12, \\third\n"
        "    sxtb16 r10, r10\n"
        "    sxtb16 r11, r11\n"
        "    sxtb16 r12, r12\n"
        "    smlad \\first, \\odd, r10, \\first\n"
        "    smlad \\second, \\odd, r11, \\second\n"
        "    smlad \\third, \\odd, r12, \\third\n"
        ".endm\n"
        ".macro requantize acc, signed\n" /* multiplier r1, shift r2, offset r3; to r11 */
        "    .if \\signed\n"
        "    and.w r12, r10, \\acc, asr #31\n"
        "    add r12, r3\n"
        "    smmla \\acc, \\acc, r1, r12\n"
        "    .else\n"
        "    smmla \\acc, \\acc, r1, r3\n"
        "    .endif\n"
        "    asr.w \\acc, \\acc, r2\n"
        "    ssat \\acc, #8, \\acc, asr #1\n"
        "    strb \\acc, [r11], #1\n"
        ".endm\n"
        "    push {r4-r11, lr}\n"
        "    ldr r1, [r0, #12]\n" /* bytes of code become the address where a sum starts */
        "    adr r2, 2f\n"
        "    add r1, r2\n"
        "    orr r1, #1\n"
        "    str r1, [r0, #12]\n"
        "    push {r0}\n"
        "1:  ldr.w lr, [r0, #16]\n"
        "    ldmia.w lr!, {r4-r9}\n"
        "    str.w lr, [r0, #16]\n"
        "    ldmia.w r0, {r0, r1, r2, pc}\n" /* weights, input, rounds, start */
        "    .p2align 2\n"
        "2:\n"
        "    .rept 8\n"
        "    ldr r3, [r1], #4\n"
        "    sxtb16 lr, r3\n"
        "    eor r3, r3, #0x007F007F\n"
        "    three_outputs lr, r3, r4, r5, r6\n"
        "    three_outputs lr, r3, r7, r8, r9\n"
        "    .endr\n"
        "    subs r2, #1\n"
        "    bne.w 2b\n"
        "    ldr.w lr, [sp]\n"
        "    str.w r0, [lr]\n"
        "    add.w r12, lr, #20\n"
        "    ldmia.w r12, {r1, r2, r3, r10, r11}\n" /* multiplier to output */
        "    cbnz r2, 5f\n"
        "    add.w r12, lr, #44\n"
        "    stmia.w r12, {r4-r9}\n" /* sums */
        "    pop {r0}\n"
        "    pop {r4-r11, pc}\n"
        "5:\n"
        "    cmp r10, #0\n"
        "    bne 4f\n"
        "    .irp acc, r4, r5, r6, r7, r8, r9\n"
        "    requantize \\acc, 0\n"
        "    .endr\n"
        "3:  mov r0, lr\n"
        "    ldr.w r12, [lr, #40]\n"
        "    str.w r11, [lr, #36]\n"
        "    cmp r11, r12\n"
        "    bne.w 1b\n"
        "    pop {r0}\n"
        "    pop {r4-r11, pc}\n"
        "4:\n"
        "    .irp acc, r4, r5, r6, r7, r8, r9\n"
        "    requantize \\acc, 1\n"
        "    .endr\n"
        "    b 3b\n"
        ".purgem three_outputs\n"
        ".purgem requantize\n");
}

#else

#define UNROLL 1
#define GROUP_CODE_BYTES 0

static void run_blocks(qe_row *row)
{
    do {
        const int8_t *input = row->input;
        for (int32_t i = 0; i < BLOCK; i++) {
            row->sums[i] = *row->bias++;
        }
        for (int32_t left = row->rounds; left > 0; left--, input += 4) {
            const uint32_t x = qe_load4(input);
            for (int32_t i = 0; i < BLOCK; i++, row->weights++) {
                row->sums[i] = qe_smlad(qe_sxtb16(x), *row->weights, row->sums[i]);
                row->sums[i] = qe_smlad(x ^ LOW_FLIP, qe_sxtb16(*row->weights), row->sums[i]);
            }
        }
        for (int32_t i = 0; i < BLOCK && row->shift != 0; i++) {
            *row->output++ = qe_requantize256(row->sums[i], row->multiplier, row->shift,
                                              row->offset, row->negative_mask);
        }
    } while (row->shift != 0 && row->output != row->output_end);
}

#endif

/* Behind the blocks: two outputs at a time, then one. */
static void add_pair(qe_row *row, int32_t groups)
{
    const int8_t *input = row->input;
    const uint32_t *weights = row->weights;
    int32_t first = *row->bias++, second = *row->bias++;
    for (; groups > 0; groups--, weights += 2, input += 4) {
        const uint32_t x = qe_load4(input);
        const uint32_t even = qe_sxtb16(x), odd = x ^ LOW_FLIP;
        first = qe_smlad(odd, qe_sxtb16(weights[0]), qe_smlad(even, weights[0], first));
        second = qe_smlad(odd, qe_sxtb16(weights[1]), qe_smlad(even, weights[1], second));
    }
    row->weights = weights;
    row->sums[0] = first;
    row->sums[1] = second;
}

static void add_single(qe_row *row, int32_t groups)
{
    const int8_t *input = row->input;
    int32_t sum = *row->bias++;
    for (; groups > 0; groups--, row->weights++, input += 4) {
        const uint32_t x = qe_load4(input);
        sum = qe_smlad(qe_sxtb16(x), *row->weights, sum);
        sum = qe_smlad(x ^ LOW_FLIP, qe_sxtb16(*row->weights), sum);
    }
    row->sums[0] = sum;
}

/* Outputs first to first + count - 1 from their sums. */
static void store(const qe_fully_connected_dsp_params *params, int32_t first, int32_t count,
                  const int32_t *sums, int8_t *output)
{
    const int32_t step = params->channel_step;
    const int32_t *multiplier = params->multiplier + first * step;
    const uint8_t *shift = params->shift + first * step;
    for (int32_t i = 0; i < count; i++) {
        output[first + i] = qe_requantize256(sums[i], *multiplier, *shift,
                                             qe_requantize_offset(&params->quantization, *shift),
                                             params->quantization.negative_mask);
        multiplier += step;
        shift += step;
    }
}

static void run_row(const qe_fully_connected_dsp_params *params, const int8_t *input,
                    int8_t *output)
{
    const int32_t rounds = (params->groups + UNROLL - 1) / UNROLL;
    const uint32_t skipped = (uint32_t)((rounds * UNROLL - params->groups) * GROUP_CODE_BYTES);
    const int32_t whole = params->outputs / BLOCK * BLOCK;
    qe_row row = {
        .weights = params->weights,
        .input = input,
        .rounds = rounds,
        .start = skipped,
        .bias = params->bias,
        .multiplier = *params->multiplier,
        .shift = params->channel_step ? 0 : *params->shift,
        .offset = qe_requantize_offset(&params->quantization, *params->shift),
        .negative_mask = params->quantization.negative_mask,
        .output = output,
        .output_end = output + whole,
    };
    if (row.shift != 0 && whole > 0) {
        run_blocks(&row);
    }
    for (int32_t first = 0; row.shift == 0 && first < whole; first += BLOCK) {
        row.start = skipped;
        run_blocks(&row);
        store(params, first, BLOCK, row.sums, output);
    }
    int32_t done = whole;
    for (; done + 2 <= params->outputs; done += 2) {
        add_pair(&row, params->groups);
        store(params, done, 2, row.sums, output);
    }
    if (done < params->outputs) {
        add_single(&row, params->groups);
        store(params, done, 1, row.sums, output);
    }
    if (qe_dsp_needs_clamp(&params->quantization)) {
        qe_dsp_clamp_run(&params->quantization, output, params->outputs);
    }
}

void qe_fully_connected_dsp(const qe_fully_connected_dsp_params *params, const int8_t *input,
                            int8_t *output)
{
    for (int32_t left = params->rows; left > 0; left--) {
        run_row(params, input, output);
        input += params->inputs;
        output += params->outputs;
    }
}

void qe_fully_connected_padded_dsp(const qe_fully_connected_dsp_params *params, const int8_t *input,
                                   int8_t *output, void *scratch)
{
    int8_t *padded = scratch;
    memset(padded, 0, (size_t)(4 * params->groups));
    for (int32_t left = params->rows; left > 0; left--) {
        qe_copy(padded, input, params->inputs);
        run_row(params, padded, output);
        input += params->inputs;
        output += params->outputs;
    }
}
