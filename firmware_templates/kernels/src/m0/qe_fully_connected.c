/* FULLY_CONNECTED for cores without DSP instructions: four outputs at a time.
 * docs/kernels-cortex-m0.md explains the arithmetic and counts the instructions. */
#include "qe_fully_connected_m0.h"

#define BLOCK 4

/* Four sums on their way along a row. The assembly below knows the offsets. */
typedef struct {
    const uint8_t *weights; /*  0 */
    const int32_t *input;   /*  4: a word a value */
    const uint8_t *end;     /*  8: of the block's weights */
    uint32_t sums[BLOCK];   /* 12 */
} qe_block;

#if QE_HAS_THUMB

/* r0-r3 inputs, r4 r5 weights, r6 input, r7 weights, r8-r11 sums, lr end: per four inputs LDM and
 * 16 times LDRB, MULS, ADD. */
__attribute__((naked, noinline)) static void add_block(qe_block *block __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n"
                     ".macro add_tap input, first\n"
                     "    ldrb r4, [r7, #\\first]\n"
                     "    ldrb r5, [r7, #\\first + 1]\n"
                     "    muls r4, \\input, r4\n"
                     "    muls r5, \\input, r5\n"
                     "    add r8, r4\n"
                     "    add r9, r5\n"
                     "    ldrb r4, [r7, #\\first + 2]\n"
                     "    ldrb r5, [r7, #\\first + 3]\n"
                     "    muls r4, \\input, r4\n"
                     "    muls r5, \\input, r5\n"
                     "    add r10, r4\n"
                     "    add r11, r5\n"
                     ".endm\n"
                     "    push {r4-r7, lr}\n"
                     "    mov r4, r8\n"
                     "    mov r5, r9\n"
                     "    mov r6, r10\n"
                     "    mov r7, r11\n"
                     "    push {r0, r4-r7}\n"
                     "    ldmia r0!, {r1, r2, r3, r4, r5, r6, r7}\n"
                     "    mov r8, r4\n"
                     "    mov r9, r5\n"
                     "    mov r10, r6\n"
                     "    mov r11, r7\n"
                     "    mov r7, r1\n"
                     "    mov r6, r2\n"
                     "    mov lr, r3\n"
                     "1:  ldmia r6!, {r0-r3}\n"
                     "    add_tap r0, 0\n"
                     "    add_tap r1, 4\n"
                     "    add_tap r2, 8\n"
                     "    add_tap r3, 12\n"
                     "    ldmia r6!, {r0-r3}\n"
                     "    add_tap r0, 16\n"
                     "    add_tap r1, 20\n"
                     "    add_tap r2, 24\n"
                     "    add_tap r3, 28\n"
                     "    adds r7, #32\n"
                     "    cmp r7, lr\n"
                     "    bne 1b\n"
                     "    pop {r0}\n"
                     "    adds r0, #12\n"
                     "    mov r1, r8\n"
                     "    mov r2, r9\n"
                     "    mov r3, r10\n"
                     "    mov r4, r11\n"
                     "    stmia r0!, {r1-r4}\n"
                     "    pop {r4-r7}\n"
                     "    mov r8, r4\n"
                     "    mov r9, r5\n"
                     "    mov r10, r6\n"
                     "    mov r11, r7\n"
                     "    pop {r4-r7, pc}\n"
                     ".purgem add_tap\n");
}

#else

static void add_block(qe_block *block)
{
    const int32_t *input = block->input;
    for (const uint8_t *weights = block->weights; weights != block->end; weights += BLOCK) {
        for (int32_t i = 0; i < BLOCK; i++) {
            block->sums[i] += (uint32_t)(*input * weights[i]);
        }
        input++;
    }
}

#endif

/* Bytes to words, and zeros up to whole rounds; returns -128 * sum. */
static uint32_t spread(const qe_fully_connected_m0_params *params, const int8_t *input,
                       int32_t *words)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < params->inputs; i++) {
        const int32_t x = input[i];
        words[i] = x;
        sum += x;
    }
    for (int32_t i = params->inputs; i < params->taps; i++) {
        words[i] = 0;
    }
    return (uint32_t)(-128 * sum);
}

static void run_row(const qe_fully_connected_m0_params *params, const int32_t *words,
                    uint32_t correction, int8_t *output)
{
    const qe_m0_output requantization = params->requantization;
    const int32_t step = params->head_step;
    const uint32_t *head = params->heads, *bias = params->bias;
    const int8_t *end = output + params->outputs;
    qe_block block;
    block.weights = params->weights;
    block.input = words;
    while (output != end) {
        block.end = block.weights + BLOCK * params->taps;
        block.sums[0] = bias[0] + correction;
        block.sums[1] = bias[1] + correction;
        block.sums[2] = bias[2] + correction;
        block.sums[3] = bias[3] + correction;
        add_block(&block);
        for (int32_t i = 0; i < BLOCK && output != end; i++) {
            *output++ = qe_m0_requantize(head, (int32_t)block.sums[i], &requantization);
            head += step;
        }
        bias += BLOCK;
        block.weights = block.end;
    }
}

void qe_fully_connected_m0(const qe_fully_connected_m0_params *params, const int8_t *input,
                           int8_t *output, void *scratch)
{
    int32_t *words = scratch;
    for (int32_t left = params->rows; left > 0; left--) {
        const uint32_t correction = spread(params, input, words);
        run_row(params, words, correction, output);
        input += params->inputs;
        output += params->outputs;
    }
}
