// Sliding windows over images, channel by channel.

#pragma once

namespace qe
{

struct Pool {
    int items;
    int in_h, in_w, channels;
    int out_h, out_w;
    int window_h, window_w;
    int stride_h, stride_w;
    int pad_top, pad_left;
    int low, high;
};

// body(value) for every value of output i's window; returns how many there are.
template <class T, class Body>
__device__ inline int each_in_window(const Pool &p, const T *x, int i, Body body)
{
    int c = i % p.channels, pixel = i / p.channels;
    int out_x = pixel % p.out_w, out_y = pixel / p.out_w % p.out_h;
    int image = pixel / (p.out_w * p.out_h);
    int top = out_y * p.stride_h - p.pad_top, left = out_x * p.stride_w - p.pad_left;
    int y1 = min(top + p.window_h, p.in_h), x1 = min(left + p.window_w, p.in_w);
    int count = 0;
    for (int y = max(top, 0); y < y1; y++) {
        for (int at_x = max(left, 0); at_x < x1; at_x++) {
            body(x[((image * p.in_h + y) * p.in_w + at_x) * p.channels + c]);
            count++;
        }
    }
    return count;
}

} // namespace qe
