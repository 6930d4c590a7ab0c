"""ConvInteger on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, Window, schar, set_window


cdef struct Data:
    Window window
    const schar *weights  # [out channel][kernel row][kernel column][in channel]
    Py_ssize_t group_inputs
    Py_ssize_t group_outputs
    Py_ssize_t out_channels


cdef int32_t total(
    const Data *layer,
    const schar *image,
    const schar *weights,
    int32_t zero_point,
    Py_ssize_t oy,
    Py_ssize_t ox,
) noexcept nogil:
    """Sum of one filter over the window of output pixel (oy, ox)."""
    cdef const Window *w = &layer.window
    cdef Py_ssize_t ky, kx, iy, ix, i
    cdef int32_t result = 0
    cdef const schar *pixel
    for ky in range(w.kernel_height):
        iy = oy * w.stride_y + ky * w.dilation_y - w.top
        for kx in range(w.kernel_width):
            ix = ox * w.stride_x + kx * w.dilation_x - w.left
            if 0 <= iy < w.height and 0 <= ix < w.width:
                pixel = image + (iy * w.width + ix) * w.channels
                for i in range(layer.group_inputs):
                    result += weights[i] * (pixel[i] - zero_point)
            weights += layer.group_inputs
    return result


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const Window *w = &layer.window
    cdef const schar *x = <const schar *> inputs[0]
    cdef const schar *zero_points = <const schar *> inputs[1]
    cdef int32_t *y = <int32_t *> outputs[0]
    cdef Py_ssize_t filter_size = w.kernel_height * w.kernel_width * layer.group_inputs
    cdef Py_ssize_t sample, _image, oy, ox, channel
    for sample in range(batch):
        for _image in range(w.images):
            for oy in range(w.out_height):
                for ox in range(w.out_width):
                    for channel in range(layer.out_channels):
                        y[channel] = total(
                            layer,
                            x + channel // layer.group_outputs * layer.group_inputs,
                            layer.weights + channel * filter_size,
                            zero_points[sample],
                            oy,
                            ox,
                        )
                    y += layer.out_channels
            x += w.height * w.width * w.channels


cdef class ConvIntegerKernel(Kernel):
    """See `qembed.ops.conv_integer`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        out_c, kh, kw, in_c = params.weights.shape
        shape = inputs[0].shape
        set_window(&self.layer.window, params, shape, outputs[0].shape, (kh, kw))
        self.layer.weights = <const schar *> self.hold(params.weights)
        self.layer.group_inputs = in_c
        self.layer.group_outputs = out_c // (shape[3] // in_c)
        self.layer.out_channels = out_c
        self.data = &self.layer
        self.run = run
