/* CONV_2D, pixel by pixel: its window is copied, then it is one row of a matrix product.
 * docs/kernels-compact.md */
#include "qe_conv_compact.h"

#include "qe_compact_window.h"

void qe_conv_compact(const qe_conv_compact_params *params, const int8_t *input, int8_t *output,
                     void *scratch)
{
    int32_t y = -(int32_t)params->padding.h;
    for (int32_t rows = params->output.h; rows > 0; --rows) {
        int32_t x = -(int32_t)params->padding.w;
        for (int32_t columns = params->output.w; columns > 0; --columns) {
            qe_compact_window(params, input, y, x, scratch);
            qe_compact_row(&params->filters, scratch, output);
            output += params->filters.outputs;
            x += params->stride.w;
        }
        y += params->stride.h;
    }
}
