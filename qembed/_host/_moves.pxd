from qembed._host._kernel cimport MAX_RANK, Kernel


# y[i0, i1, ...] = x[offset0[i0] + offset1[i1] + ...]: whatever only moves values.
cdef struct Moves:
    int rank                        # of the axes that are walked; the rest is one run
    Py_ssize_t size[MAX_RANK]
    const Py_ssize_t *offset[MAX_RANK]  # in bytes, one for each position of the output's axis
    Py_ssize_t run_bytes            # copied at each position
    Py_ssize_t in_bytes             # of one sample


cdef class MovesKernel(Kernel):
    cdef Moves moves
    cdef int plan(self, object tensor, object positions, object axes) except -1
