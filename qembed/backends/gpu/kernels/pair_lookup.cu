// A function of two int8 values, as a table.

namespace qe
{

struct PairLookup {
    int items;
    const int *index1, *index2;
    const int8_t *table; // [256][256]
};

__device__ inline void pair_lookup(const Step &step, const Work &work)
{
    const PairLookup &p = params<PairLookup>(step);
    each(work, p.items, [&](int sample, int i) {
        int row = input<int8_t>(step, 0, work, sample)[at(p.index1, i)] + 128;
        int column = input<int8_t>(step, 1, work, sample)[at(p.index2, i)] + 128;
        output<int8_t>(step, 0, work, sample)[i] = p.table[256 * row + column];
    });
}

} // namespace qe

QE_KERNEL(pair_lookup_int8, pair_lookup)
