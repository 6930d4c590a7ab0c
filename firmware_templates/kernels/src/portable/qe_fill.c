/* Fill state with its reset value. */
#include "qe_fill.h"

void qe_fill(void *data, int32_t value, uint32_t count, uint32_t element_bytes)
{
    for (uint32_t i = 0; i < count; ++i) {
        if (element_bytes == 1) {
            ((int8_t *)data)[i] = (int8_t)value;
        } else if (element_bytes == 2) {
            ((int16_t *)data)[i] = (int16_t)value;
        } else {
            ((int32_t *)data)[i] = value;
        }
    }
}
