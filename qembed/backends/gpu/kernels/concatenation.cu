// CONCATENATION and PACK: one input into its place, by element size.

namespace qe
{

struct Concatenation {
    int items;
    int width;  // values of the input that stay together
    int stride; // from one such run to the next in the output
    int offset;
};

template <class T> __device__ inline void concatenate(const Step &step, const Work &work)
{
    const Concatenation &p = params<Concatenation>(step);
    each(work, p.items, [&](int sample, int i) {
        int run = i / p.width;
        output<T>(step, 0, work, sample)[run * p.stride + p.offset + (i - run * p.width)] =
            input<T>(step, 0, work, sample)[i];
    });
}

} // namespace qe

QE_KERNEL(concatenation_1, concatenate<uint8_t>)
QE_KERNEL(concatenation_2, concatenate<uint16_t>)
QE_KERNEL(concatenation_4, concatenate<uint32_t>)
QE_KERNEL(concatenation_8, concatenate<int64_t>)
