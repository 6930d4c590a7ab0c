/* Layers that run interleaved, row by row. Interface: qe_rows.h. */
#include "qe_rows.h"

#include <stddef.h>
#include <string.h>

#include "qe_fill.h"
#include "qe_model.h"

enum { NEXT_STEP, PUSHED, DONE };

static uint16_t *counters_of(const qe_row_plan *plan, uint8_t *arena)
{
    return (uint16_t *)(void *)(arena + plan->counters);
}

static uint8_t *row_at(const qe_row_tensor *tensor, uint8_t *arena, uint32_t row)
{
    return arena + tensor->base + tensor->unit * (tensor->table ? tensor->table[row] : row);
}

/* Tell the link of each step: of the row it wrote, of a whole tensor when its last row is there. */
static void report(const qe_row_layer *layer, const qe_row_tensor *output, uint8_t *arena,
                   uint32_t step)
{
    (void)arena; /* a build without the link has nobody to tell */
    if (step + 1 == layer->steps && (output->table == NULL || layer->folds)) {
        QE_LAYER_DONE(layer->index, row_at(output, arena, 0), output->row_bytes * output->rows);
    } else if (output->table == NULL || layer->folds) {
        QE_LAYER_ROW(layer->index, NULL, 0, step, layer->steps);
    } else {
        QE_LAYER_ROW(layer->index, row_at(output, arena, step), output->row_bytes, step,
                     output->rows);
    }
}

static void run_layer(const qe_row_plan *plan, const qe_row_layer *layer, uint8_t *arena,
                      uint32_t step)
{
    const void *rows[QE_ROW_POINTERS];
    const qe_row_tensor *output = &plan->tensors[layer->output];
    uint32_t count = 0;

    for (uint32_t i = 0; i < layer->input_count; ++i) {
        const qe_row_tensor *input = &plan->tensors[layer->inputs[i]];
        int32_t at = (int32_t)(step * layer->stride) - layer->padding;
        for (uint32_t tap = 0; tap < layer->taps; ++tap, at += layer->dilation) {
            const int32_t exists = at >= 0 && at < input->rows;
            rows[count++] = exists ? row_at(input, arena, (uint32_t)at) : NULL;
        }
    }
    layer->run(rows, row_at(output, arena, layer->folds ? 0 : step), step);
    report(layer, output, arena, step);
}

int32_t qe_rows_run(const qe_row_plan *plan, uint8_t *arena)
{
    uint16_t *counters = counters_of(plan, arena);
    while (counters[NEXT_STEP] < plan->step_count) {
        const uint8_t n = plan->steps[counters[NEXT_STEP]++];
        if (n == plan->layer_count) {
            return 1;
        }
        run_layer(plan, &plan->layers[n], arena, counters[DONE + n]++);
    }
    return 0;
}

void qe_rows_begin(const qe_row_plan *plan, uint8_t *arena)
{
    uint16_t *counters = counters_of(plan, arena);
    memset(counters, 0, (DONE + (size_t)plan->layer_count) * sizeof *counters);
    if (plan->steps[0] == plan->layer_count) {
        counters[NEXT_STEP] = 1;
    }
}

void *qe_rows_input(const qe_row_plan *plan, uint8_t *arena)
{
    return row_at(&plan->tensors[0], arena, counters_of(plan, arena)[PUSHED]);
}

int32_t qe_rows_push(const qe_row_plan *plan, uint8_t *arena)
{
    ++counters_of(plan, arena)[PUSHED];
    return qe_rows_run(plan, arena);
}

void qe_gather_rows(const qe_row_gather *params, const void *const *rows, void *to)
{
    const size_t bytes = (size_t)(params->run * params->value_bytes);
    int8_t *out = to;
    for (int32_t plane = 0; plane < params->planes; ++plane) {
        for (int32_t tap = 0; tap < params->taps; ++tap, out += bytes) {
            if (rows[tap] == NULL) {
                qe_fill(out, params->fill, (uint32_t)params->run, (uint32_t)params->value_bytes);
            } else {
                memcpy(out, (const int8_t *)rows[tap] + (size_t)plane * bytes, bytes);
            }
        }
    }
}
