// ARG_MAX and ARG_MIN: the first position of the largest or smallest value of an axis.

namespace qe
{

struct ArgExtremum {
    int items;
    int size;  // of the axis
    int inner; // values between its neighbours
    int largest;
};

__device__ inline void arg_extremum(const Step &step, const Work &work)
{
    const ArgExtremum &p = params<ArgExtremum>(step);
    each(work, p.items, [&](int sample, int i) {
        int outer = i / p.inner;
        const int8_t *x =
            input<int8_t>(step, 0, work, sample) + outer * p.size * p.inner + (i - outer * p.inner);
        int best = 0;
        for (int k = 1; k < p.size; k++) {
            int difference = x[k * p.inner] - x[best * p.inner];
            if (p.largest ? difference > 0 : difference < 0) {
                best = k;
            }
        }
        output<int>(step, 0, work, sample)[i] = best;
    });
}

} // namespace qe

QE_KERNEL(arg_extremum_int8, arg_extremum)
