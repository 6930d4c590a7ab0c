/* The instruction sets of this build. */
#include "simd.h"

#if defined(__x86_64__)
extern const qh_isa qh_avx512, qh_avxvnni, qh_avx512vl, qh_avx2;
#endif

const qh_isa *const qh_isas[] = {
#if defined(__x86_64__)
    &qh_avx512, &qh_avx512vl, &qh_avxvnni, &qh_avx2,
#endif
    NULL,
};
