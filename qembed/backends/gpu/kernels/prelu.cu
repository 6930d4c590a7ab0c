// PRELU.

namespace qe
{

struct Prelu {
    int items;
    const int16_t *alpha;
    const int *alpha_index;
    int input_zero_point;
    Requantization positive, negative;
    Output to;
};

template <class T> __device__ inline void prelu(const Step &step, const Work &work)
{
    const Prelu &p = params<Prelu>(step);
    each(work, p.items, [&](int sample, int i) {
        int x = input<T>(step, 0, work, sample)[i] - p.input_zero_point;
        int y = x >= 0 ? requantize(x, p.positive, 0)
                       : requantize(x * p.alpha[at(p.alpha_index, i)], p.negative, 0);
        output<T>(step, 0, work, sample)[i] = static_cast<T>(finish(y, p.to));
    });
}

} // namespace qe

QE_KERNEL(prelu_int8, prelu<int8_t>)
QE_KERNEL(prelu_int16, prelu<int16_t>)
