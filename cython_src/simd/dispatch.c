/* The instruction sets, those of other machines too: they are not `supported`. */
#include "simd.h"

extern const qh_isa qh_neon;
#if defined(__x86_64__)
extern const qh_isa qh_avx512, qh_avxvnni, qh_avx512vl, qh_avx2;
#endif

const qh_isa *const qh_isas[] = {
#if defined(__x86_64__)
    &qh_avx512, &qh_avx512vl, &qh_avxvnni, &qh_avx2,
#endif
    &qh_neon,   NULL,
};
