// LOGISTIC and TANH of int16.

namespace qe
{

struct Sigmoid {
    int items;
    int is_tanh;
    int multiplier, shift;
    const uint16_t *table;
};

__device__ inline void sigmoid(const Step &step, const Work &work)
{
    const Sigmoid &p = params<Sigmoid>(step);
    each(work, p.items, [&](int sample, int i) {
        int x = input<int16_t>(step, 0, work, sample)[i];
        int y = p.is_tanh ? tanh_int16(x, p.multiplier, p.shift, p.table)
                          : logistic_int16(x, p.multiplier, p.shift, p.table);
        output<int16_t>(step, 0, work, sample)[i] = static_cast<int16_t>(y);
    });
}

} // namespace qe

QE_KERNEL(sigmoid_int16, sigmoid)
