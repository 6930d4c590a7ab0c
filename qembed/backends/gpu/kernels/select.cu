// SELECT_V2.

namespace qe
{

struct Select {
    int items;
    const int *index_condition, *index1, *index2;
};

template <class T> __device__ inline void select(const Step &step, const Work &work)
{
    const Select &p = params<Select>(step);
    each(work, p.items, [&](int sample, int i) {
        bool first = input<uint8_t>(step, 0, work, sample)[at(p.index_condition, i)] != 0;
        output<T>(step, 0, work, sample)[i] =
            first ? input<T>(step, 1, work, sample)[at(p.index1, i)]
                  : input<T>(step, 2, work, sample)[at(p.index2, i)];
    });
}

} // namespace qe

QE_KERNEL(select_int8, select<int8_t>)
QE_KERNEL(select_int16, select<int16_t>)
