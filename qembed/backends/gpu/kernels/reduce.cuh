// Values over reduced axes: output i has inputs base[i] + offset[0 .. count - 1].

#pragma once

namespace qe
{

struct Reduce {
    int items;
    int count;
    const int *base, *offset;
    int largest; // of an extremum
    int input_zero_point;
    Requantization by;
    Output to;
};

} // namespace qe
