/* The instruction sets of this build. */
#include "simd.h"

#if defined(__x86_64__)
extern const qh_isa qh_avx512;
#endif

const qh_isa *const qh_isas[] = {
#if defined(__x86_64__)
    &qh_avx512,
#endif
    NULL,
};
