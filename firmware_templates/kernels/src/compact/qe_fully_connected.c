/* FULLY_CONNECTED, row by row. docs/kernels-compact.md */
#include "qe_fully_connected_compact.h"

void qe_fully_connected_compact(const qe_fully_connected_compact_params *params,
                                const int8_t *input, int8_t *output)
{
    for (int32_t left = params->rows; left > 0; --left) {
        qe_compact_row(&params->filters, input, output);
        input += params->filters.taps;
        output += params->filters.outputs;
    }
}
