/* CONV_2D, two pixels at a time. docs/kernels-compact.md */
#include "qe_conv_compact.h"

#include "qe_compact_window.h"

void qe_conv_pairs_compact(const qe_conv_compact_params *params, const int8_t *input,
                           int8_t *output, void *scratch)
{
    int8_t *taps = scratch;
    int32_t waiting = 0;
    int32_t y = -(int32_t)params->padding.h;
    for (int32_t rows = params->output.h; rows > 0; --rows, y += params->stride.h) {
        int32_t x = -(int32_t)params->padding.w;
        for (int32_t columns = params->output.w; columns > 0; --columns, x += params->stride.w) {
            qe_compact_window(params, input, y, x, taps + waiting * params->filters.taps);
            if (++waiting == 2) {
                qe_compact_row_pair(&params->filters, taps, output);
                output += 2 * params->filters.outputs;
                waiting = 0;
            }
        }
    }
    if (waiting > 0) {
        qe_compact_row(&params->filters, taps, output);
    }
}
