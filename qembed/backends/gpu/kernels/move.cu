// Values in another order, by element size: BROADCAST_TO, GATHER, MIRROR_PAD, PAD, RESHAPE,
// RESIZE_NEAREST_NEIGHBOR, STRIDED_SLICE, TRANSPOSE.

namespace qe
{

struct Move {
    int items;
    const int *index; // position in the input; below 0: `value`. Null: as the output.
    long long value;
};

template <class T> __device__ inline void move(const Step &step, const Work &work)
{
    const Move &p = params<Move>(step);
    each(work, p.items, [&](int sample, int i) {
        int from = at(p.index, i);
        output<T>(step, 0, work, sample)[i] =
            from < 0 ? static_cast<T>(p.value) : input<T>(step, 0, work, sample)[from];
    });
}

} // namespace qe

QE_KERNEL(move_1, move<uint8_t>)
QE_KERNEL(move_2, move<uint16_t>)
QE_KERNEL(move_4, move<uint32_t>)
QE_KERNEL(move_8, move<int64_t>)
