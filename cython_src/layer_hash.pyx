"""The 32-bit hash of a layer's output: docs/architecture.md, "Layer hashes"."""

cimport numpy as np
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

import numpy as np

np.import_array()


cdef uint32_t hash_bytes(const char *data, Py_ssize_t nbytes) noexcept nogil:
    cdef uint32_t h = <uint32_t> nbytes
    cdef uint32_t word
    cdef Py_ssize_t at
    for at in range(0, nbytes, 4):
        word = 0
        memcpy(&word, data + at, min(nbytes - at, 4))
        h = (((h >> 13) | (h << 19)) ^ word) * <uint32_t> 0x9E3779B1
    return h


def hash32(array):
    """Hash each sample of a batch.

    Parameters
    ----------
    array : ndarray, shape (B, ...)
        Of any type; a sample's bytes are those in C order, little-endian.

    Returns
    -------
    uint32 ndarray, shape (B,)
    """
    array = np.asarray(array)
    cdef np.ndarray samples = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    cdef np.ndarray hashes = np.empty(len(array), np.uint32)
    cdef Py_ssize_t nbytes = samples.nbytes // len(array) if len(array) else 0
    cdef const char *data = <const char *> np.PyArray_DATA(samples)
    cdef uint32_t *out = <uint32_t *> np.PyArray_DATA(hashes)
    cdef Py_ssize_t batch = len(array)
    cdef Py_ssize_t i
    with nogil:
        for i in range(batch):
            out[i] = hash_bytes(data + i * nbytes, nbytes)
    return hashes
