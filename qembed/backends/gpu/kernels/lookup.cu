// A function of one int8 value, as a table.

namespace qe
{

struct Lookup {
    int items;
    const int8_t *table;
};

__device__ inline void lookup(const Step &step, const Work &work)
{
    const Lookup &p = params<Lookup>(step);
    each(work, p.items, [&](int sample, int i) {
        output<int8_t>(step, 0, work, sample)[i] =
            p.table[input<int8_t>(step, 0, work, sample)[i] + 128];
    });
}

} // namespace qe

QE_KERNEL(lookup_int8, lookup)
