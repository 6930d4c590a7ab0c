/* Resizing to the nearest pixel. Interface: qe_resize_nearest.h. */
#include "qe_resize_nearest.h"

#include <string.h>

void qe_resize_nearest(const qe_resize_nearest_params *params, const void *input, void *output)
{
    const qe_resize_nearest_params *p = params;
    const int32_t row_bytes = p->input.w * p->pixel_bytes;
    const uint8_t *image = (const uint8_t *)input;
    uint8_t *y = (uint8_t *)output;
    for (int32_t n = 0; n < p->batch; ++n) {
        for (int32_t i = 0; i < p->output.h; ++i) {
            const uint8_t *row = image + p->rows[i] * row_bytes;
            for (int32_t k = 0; k < p->output.w; ++k) {
                memcpy(y, row + p->columns[k] * p->pixel_bytes, (size_t)p->pixel_bytes);
                y += p->pixel_bytes;
            }
        }
        image += p->input.h * row_bytes;
    }
}
