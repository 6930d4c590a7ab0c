// GATHER by positions that are an input, by element size.

namespace qe
{

struct GatherAt {
    int items;
    int outer;  // places in front of the axis, in each batch
    int size;   // of the axis
    int places; // positions in each batch
    int inner;  // values behind the axis
};

template <class T> __device__ inline void gather_at(const Step &step, const Work &work)
{
    const GatherAt &p = params<GatherAt>(step);
    each(work, p.items, [&](int sample, int i) {
        int row = i / p.inner, line = row / p.places, batch = line / p.outer;
        const int *positions = input<int>(step, 1, work, sample) + batch * p.places;
        int position = min(max(positions[row - line * p.places], 0), p.size - 1);
        output<T>(step, 0, work, sample)[i] = input<T>(
            step, 0, work, sample)[(line * p.size + position) * p.inner + (i - row * p.inner)];
    });
}

} // namespace qe

QE_KERNEL(gather_at_1, gather_at<uint8_t>)
QE_KERNEL(gather_at_2, gather_at<uint16_t>)
QE_KERNEL(gather_at_4, gather_at<uint32_t>)
QE_KERNEL(gather_at_8, gather_at<int64_t>)
