/* FULLY_CONNECTED for cores without DSP instructions: eight outputs at a time.
 * docs/kernels-cortex-m0.md explains the arithmetic and counts the instructions. */
#include "qe_fully_connected_m0.h"

#define BLOCK 8

/* Eight sums on their way along a row. The assembly below knows the offsets. */
typedef struct {
    const uint32_t *bias;   /*  0: where the sums start */
    const uint8_t *end;     /*  4: of the block's weights */
    const int8_t *input;    /*  8: aligned to words */
    const uint8_t *weights; /* 12 */
    uint32_t sums[BLOCK];   /* 16 */
} qe_block;

#if QE_HAS_THUMB

#if defined(__thumb2__)
#define ADD_PRODUCT "    mla \\sum, r2, \\input, \\sum\n"
#else
#define ADD_PRODUCT "    muls r2, \\input, r2\n    add \\sum, r2\n"
#endif

/* r0 four inputs, r1 one, r2 weight, r5 end, r6 input, r7 weights, r8-r12 lr r3 r4 sums. Eight sums
 * are all that there is room for; with them it costs seven instructions in 32 products to take
 * the inputs from their bytes. */
__attribute__((naked, noinline)) static void add_block(qe_block *block __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n"
                     ".macro add_product input, at, sum\n"
                     "    ldrb r2, [r7, #\\at]\n" ADD_PRODUCT ".endm\n"
                     ".macro add_tap input, first\n"
                     "    add_product \\input, (\\first), r8\n"
                     "    add_product \\input, (\\first + 1), r9\n"
                     "    add_product \\input, (\\first + 2), r10\n"
                     "    add_product \\input, (\\first + 3), r11\n"
                     "    add_product \\input, (\\first + 4), r12\n"
                     "    add_product \\input, (\\first + 5), lr\n"
                     "    add_product \\input, (\\first + 6), r3\n"
                     "    add_product \\input, (\\first + 7), r4\n"
                     ".endm\n"
                     "    push {r4-r7, lr}\n"
                     "    mov r4, r8\n"
                     "    mov r5, r9\n"
                     "    mov r6, r10\n"
                     "    mov r7, r11\n"
                     "    push {r0, r4-r7}\n"
                     "    ldmia r0!, {r1, r5, r6, r7}\n"
                     "    ldmia r1!, {r0, r2, r3, r4}\n"
                     "    mov r8, r0\n"
                     "    mov r9, r2\n"
                     "    mov r10, r3\n"
                     "    mov r11, r4\n"
                     "    ldmia r1!, {r0, r2, r3, r4}\n"
                     "    mov r12, r0\n"
                     "    mov lr, r2\n"
                     "1:  ldmia r6!, {r0}\n"
                     "    sxtb r1, r0\n"
                     "    add_tap r1, 0\n"
                     "    asrs r0, r0, #8\n"
                     "    sxtb r1, r0\n"
                     "    add_tap r1, 8\n"
                     "    asrs r0, r0, #8\n"
                     "    sxtb r1, r0\n"
                     "    add_tap r1, 16\n"
                     "    asrs r0, r0, #8\n"
                     "    add_tap r0, 24\n"
                     "    adds r7, #32\n"
                     "    cmp r7, r5\n"
                     "    bne 1b\n"
                     "    pop {r0}\n"
                     "    adds r0, #16\n"
                     "    mov r1, r8\n"
                     "    mov r2, r9\n"
                     "    mov r5, r10\n"
                     "    mov r6, r11\n"
                     "    stmia r0!, {r1, r2, r5, r6}\n"
                     "    mov r1, r12\n"
                     "    mov r2, lr\n"
                     "    stmia r0!, {r1, r2, r3, r4}\n"
                     "    pop {r4-r7}\n"
                     "    mov r8, r4\n"
                     "    mov r9, r5\n"
                     "    mov r10, r6\n"
                     "    mov r11, r7\n"
                     "    pop {r4-r7, pc}\n"
                     ".purgem add_product\n"
                     ".purgem add_tap\n");
}

#else

static void add_block(qe_block *block)
{
    const int8_t *input = block->input;
    memcpy(block->sums, block->bias, sizeof block->sums);
    for (const uint8_t *weights = block->weights; weights != block->end; weights += BLOCK) {
        for (int32_t i = 0; i < BLOCK; i++) {
            block->sums[i] += (uint32_t)(*input * weights[i]);
        }
        input++;
    }
}

#endif

/* The weights are 128 too large: the sums start with -128 times the sum of all inputs. */
static uint32_t correction(const int8_t *input, int32_t count)
{
    int32_t sum = 0;
    for (const int8_t *end = input + count; input != end; input++) {
        sum += *input;
    }
    return (uint32_t)(-128 * sum);
}

static void run_row(const qe_fully_connected_m0_params *params, const int8_t *input, int8_t *output)
{
    const qe_m0_output requantization = params->requantization;
    const int32_t step = params->head_step;
    const uint32_t start = correction(input, params->taps);
    const uint32_t *head = params->heads;
    const int8_t *end = output + params->outputs;
    qe_block block;
    block.bias = params->bias;
    block.weights = params->weights;
    block.input = input;
    while (output != end) {
        block.end = block.weights + BLOCK * params->taps;
        add_block(&block);
        for (int32_t i = 0; i < BLOCK && output != end; i++) {
            *output++ = qe_m0_requantize(head, (int32_t)(block.sums[i] + start), &requantization);
            head += step;
        }
        block.bias += BLOCK;
        block.weights = block.end;
    }
}

void qe_fully_connected_m0(const qe_fully_connected_m0_params *params, const int8_t *input,
                           int8_t *output)
{
    for (int32_t left = params->rows; left > 0; left--) {
        run_row(params, input, output);
        input += params->inputs;
        output += params->outputs;
    }
}

void qe_fully_connected_padded_m0(const qe_fully_connected_m0_params *params, const int8_t *input,
                                  int8_t *output, void *scratch)
{
    int8_t *padded = scratch;
    memset(padded + params->taps - 4, 0, 4);
    for (int32_t left = params->rows; left > 0; left--) {
        memcpy(padded, input, (size_t)params->inputs);
        run_row(params, padded, output);
        input += params->inputs;
        output += params->outputs;
    }
}
