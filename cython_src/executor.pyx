"""Run planned kernels over batches: one arena a worker, no Python and no allocation in the loop."""

cimport numpy as np
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from qembed._host._kernel cimport Kernel, part_t, run_t

import os
import threading
import time

import numpy as np

from qembed.errors import InputError

np.import_array()

SECONDS_TO_WAKE = 20e-6  # a sleeping thread, with some to spare
BLOCKS_A_THREAD = 4
RUNS_ALONE = 100  # before threads try again to share a sample
MOST_LOST = 10 * SECONDS_TO_WAKE  # in trying

cdef extern from "fenv.h" nogil:
    enum: FE_TONEAREST
    int fegetround()
    int fesetround(int rounding)

cdef extern from "time.h" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    enum: CLOCK_MONOTONIC
    int clock_gettime(int clock, timespec *now)

cdef extern from "semaphore.h" nogil:
    ctypedef struct sem_t:
        pass
    int sem_init(sem_t *semaphore, int shared, unsigned int value)
    int sem_wait(sem_t *semaphore)
    int sem_trywait(sem_t *semaphore)
    int sem_post(sem_t *semaphore)

cdef extern from "sched.h" nogil:
    int sched_yield()

cdef extern from "stdlib.h" nogil:
    int posix_memalign(void **memory, size_t alignment, size_t size)

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
    static inline Py_ssize_t qh_take(Py_ssize_t *next, Py_ssize_t count)
    {
        return __atomic_fetch_add(next, count, __ATOMIC_RELAXED);
    }

    static inline void qh_finished(Py_ssize_t *count)
    {
        __atomic_fetch_add(count, 1, __ATOMIC_RELEASE);
    }

    static inline Py_ssize_t qh_read(const Py_ssize_t *count)
    {
        return __atomic_load_n(count, __ATOMIC_ACQUIRE);
    }

    /* Wait a moment, the longer the more often it was done already. */
    static inline void qh_pause(Py_ssize_t waited)
    {
        if (waited > 2000) {
            sched_yield();
            return;
        }
    #if defined(__x86_64__)
        __builtin_ia32_pause();
    #elif defined(__aarch64__)
        __asm__ volatile("yield");
    #endif
    }
    """
    Py_ssize_t qh_take(Py_ssize_t *next, Py_ssize_t count) nogil
    void qh_finished(Py_ssize_t *count) nogil
    Py_ssize_t qh_read(const Py_ssize_t *count) nogil
    void qh_pause(Py_ssize_t waited) nogil

cdef enum:
    MAX_DIMS = 9  # the batch and 8 of the tensor
    SPINS = 1000  # some 20 microseconds, what it costs to fall asleep and to be woken


cdef enum Place:
    ARENA  # at `offset` in the worker's arena
    PORT   # in an array of the whole batch: the worker's base number `offset`
    FIXED  # at address `offset`: constants, repeated for each sample of a block, and state


cdef struct Value:
    Place place
    Py_ssize_t offset
    Py_ssize_t nbytes  # of one sample


cdef struct Step:
    run_t run
    part_t run_part
    int most_parts
    const void *data
    int input_count
    int output_count
    int first_edge  # in Plan.edges: inputs, then outputs


cdef struct Record:
    # After each sample the state `value` is copied to `port`.
    int value
    int port


cdef struct Plan:
    Py_ssize_t block  # samples that go through all layers together
    int step_count
    Step *steps
    int *edges
    Value *values
    int most_edges
    int record_count
    Record *records


cdef class Memory:
    """Zeroed bytes, aligned to a cache line and freed with the object."""

    cdef char *start

    def __cinit__(self, Py_ssize_t nbytes):
        if posix_memalign(<void **> &self.start, 64, nbytes + 64) != 0:
            raise MemoryError(f"no {nbytes} bytes for activations")
        memset(self.start, 0, nbytes + 64)

    def __dealloc__(self):
        free(self.start)

    def view(self, Py_ssize_t nbytes):
        """Return the first bytes as a uint8 array that keeps this object alive."""
        cdef np.npy_intp size = nbytes
        array = np.PyArray_SimpleNewFromData(1, &size, np.NPY_UINT8, self.start)
        np.set_array_base(array, self)
        return array


cdef class Worker:
    """What one thread needs to itself: an arena, scratch memory and pointers."""

    cdef Memory arena
    cdef Memory scratch
    cdef Memory pointers
    cdef char **bases  # one a port
    cdef void **edges

    def __cinit__(self, Py_ssize_t arena, Py_ssize_t scratch, Py_ssize_t ports, Py_ssize_t edges):
        self.arena = Memory(arena)
        self.scratch = Memory(scratch)
        self.pointers = Memory((ports + edges) * sizeof(void *))
        self.bases = <char **> self.pointers.start
        self.edges = <void **> (self.bases + ports)


cdef class Job:
    """One batch: workers take blocks from it until none is left."""

    cdef Py_ssize_t next
    cdef Py_ssize_t batch
    cdef Py_ssize_t block  # at most the plan's
    cdef double *seconds  # spent in each step; NULL: not measured
    # Where threads share the layers of a sample: everything that is to be done has a number, step
    # by step and part by part. `next` is the number of what nobody has taken yet.
    cdef int parts  # threads that share; 0: they share the samples
    cdef Py_ssize_t finished
    cdef char *arena  # the one that all work in


cdef double seconds_now() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + 1e-9 * now.tv_nsec


cdef void set_edges(
    const Plan *plan, const Step *step, Worker worker, char *arena, Py_ssize_t sample
) noexcept nogil:
    """Addresses of the inputs and outputs of a step, in `worker.edges`."""
    cdef const Value *value
    cdef int edge
    for edge in range(step.input_count + step.output_count):
        value = &plan.values[plan.edges[step.first_edge + edge]]
        if value.place == ARENA:
            worker.edges[edge] = arena + value.offset
        elif value.place == PORT:
            worker.edges[edge] = worker.bases[value.offset] + sample * value.nbytes
        else:
            worker.edges[edge] = <char *> value.offset


cdef void run_parts(const Plan *plan, Worker worker, Job job) noexcept nogil:
    """Take parts of layers until none is left. A layer begins when the one before has finished.

    A thread that comes late finds less to do; none ever waits for one that has not begun.
    """
    cdef Py_ssize_t first = 0  # number of the first part of `step`
    cdef Py_ssize_t sample = 0
    cdef Py_ssize_t number, waited
    cdef int i = 0
    cdef const Step *step = plan.steps
    cdef int parts = min(job.parts, step.most_parts)
    while True:
        number = qh_take(&job.next, 1)
        while number >= first + parts:
            first += parts
            i += 1
            if i == plan.step_count:
                i = 0
                sample += 1
            step = &plan.steps[i]
            parts = min(job.parts, step.most_parts)
        if sample >= job.batch:
            return
        waited = 0
        while qh_read(&job.finished) < first:
            qh_pause(waited)
            waited += 1
        set_edges(plan, step, worker, job.arena, sample)
        if parts == 1:
            step.run(
                step.data, <const void **> worker.edges, worker.edges + step.input_count,
                worker.scratch.start, 1,
            )
        else:
            step.run_part(
                step.data, <const void **> worker.edges, worker.edges + step.input_count,
                worker.scratch.start, number - first, parts,
            )
        qh_finished(&job.finished)


cdef void wait(sem_t *semaphore, Py_ssize_t spins) noexcept nogil:
    """Wait for a post; look for it `spins` times before falling asleep."""
    cdef Py_ssize_t _i
    for _i in range(spins):
        if sem_trywait(semaphore) == 0:
            return
        qh_pause(0)
    while sem_wait(semaphore) != 0:  # a signal came between
        pass


cdef bint run_blocks(
    const Plan *plan, Worker worker, Job job, Py_ssize_t most
) noexcept nogil:
    """Run at most `most` blocks; return whether there may be more."""
    cdef Py_ssize_t start, count, _taken
    cdef int i
    cdef double before = 0.0
    cdef const Step *step
    cdef const Record *record
    cdef const Value *value
    for _taken in range(most):
        start = qh_take(&job.next, job.block)
        if start >= job.batch:
            return False
        count = min(job.block, job.batch - start)
        for i in range(plan.step_count):
            step = &plan.steps[i]
            set_edges(plan, step, worker, worker.arena.start, start)
            if job.seconds != NULL:
                before = seconds_now()
            step.run(
                step.data,
                <const void **> worker.edges,
                worker.edges + step.input_count,
                worker.scratch.start,
                count,
            )
            if job.seconds != NULL:
                job.seconds[i] += seconds_now() - before
        for i in range(plan.record_count):
            record = &plan.records[i]
            value = &plan.values[record.value]
            memcpy(
                worker.bases[record.port] + start * value.nbytes,
                <char *> value.offset,
                value.nbytes,
            )
    return True


cdef bint run_rounded(
    const Plan *plan, Worker worker, Job job, Py_ssize_t most
) noexcept nogil:
    """Run blocks with the rounding that the kernels count on, whatever others have set."""
    cdef int found = fegetround()
    cdef bint more
    if found != FE_TONEAREST:
        fesetround(FE_TONEAREST)
    if job.parts:
        run_parts(plan, worker, job)
        more = False
    else:
        more = run_blocks(plan, worker, job, most)
    if found != FE_TONEAREST:
        fesetround(found)
    return more


cdef class Helper:
    """A thread that sleeps until it has blocks to take. It never asks for the GIL."""

    cdef sem_t ready
    cdef sem_t finished
    cdef const Plan *plan
    cdef Worker worker
    cdef Job job

    def __cinit__(self):
        sem_init(&self.ready, 0, 0)
        sem_init(&self.finished, 0, 0)
        threading.Thread(target=self.serve, daemon=True, name="qembed").start()

    def serve(self):
        cdef Py_ssize_t spins = 0
        with nogil:
            while True:
                wait(&self.ready, spins)
                # Who shares single samples comes again soon.
                spins = SPINS if self.job.parts else 0
                while run_rounded(self.plan, self.worker, self.job, 1 << 20):
                    pass
                sem_post(&self.finished)

    cdef help(self, const Plan *plan, Worker worker, Job job):
        self.plan, self.worker, self.job = plan, worker, job
        sem_post(&self.ready)

    cdef join(self):
        with nogil:
            wait(&self.finished, SPINS)
        self.worker, self.job = None, None


IDLE_HELPERS = []
os.register_at_fork(after_in_child=IDLE_HELPERS.clear)  # a fork has none of the threads


cdef struct PortType:
    int typenum
    int rank
    np.npy_intp shape[MAX_DIMS]  # the first is the batch


cdef class Executor:
    """A planned graph.

    Parameters
    ----------
    kernels : list of Kernel
        In execution order.
    edges : list of (tuple of int, tuple of int)
        Tensor indices of each kernel's inputs and outputs.
    values : list
        Per tensor ``("arena", offset)``, ``("port", number)`` or ``("fixed", Memory)``, each
        followed by the bytes of one sample.
    ports : list of (name, dtype, shape)
        The arrays of a batch: the inputs first, then what `run` returns.
    input_count : int
    block : int
        Samples that go through all layers together.
    arena_bytes : int
        Of one worker.
    records : list of (int, int)
        State tensors and the ports that receive their value after each sample.
    """

    cdef Plan plan
    cdef list owned  # memory that the plan points into, and the kernels
    cdef list idle  # workers
    cdef list names
    cdef PortType *ports
    cdef int port_count
    cdef int input_count
    cdef Py_ssize_t arena_bytes
    cdef Py_ssize_t scratch_bytes
    cdef int most_parts  # that some layer has
    cdef double saved  # by sharing samples; limited, so that what was long ago does not count
    cdef int runs_alone  # to come, since sharing did not save anything
    cdef double sample_seconds  # measured once, for the choice of threads; 0: not yet

    def __init__(
        self, kernels, edges, values, ports, int input_count, Py_ssize_t block,
        Py_ssize_t arena_bytes, records=(),
    ):
        self.owned = [kernels, values]
        self.idle = []
        self.arena_bytes = arena_bytes
        self.plan.block = block
        self._set_steps(kernels, edges)
        self._set_values(values)
        self._set_ports(ports, input_count)
        self.plan.record_count = len(records)
        self.plan.records = <Record *> self._own(len(records) * sizeof(Record))
        for i, (value, port) in enumerate(records):
            self.plan.records[i].value = value
            self.plan.records[i].port = port

    cdef char *_own(self, Py_ssize_t nbytes) except NULL:
        cdef Memory memory = Memory(nbytes)
        self.owned.append(memory)
        return memory.start

    def _set_steps(self, kernels, edges):
        cdef Kernel kernel
        cdef Step *step
        flat = [index for inputs, outputs in edges for index in (*inputs, *outputs)]
        self.plan.edges = <int *> self._own(len(flat) * sizeof(int))
        for i, index in enumerate(flat):
            self.plan.edges[i] = index
        self.plan.steps = <Step *> self._own(len(kernels) * sizeof(Step))
        self.plan.step_count = len(kernels)
        self.plan.most_edges = 0
        self.scratch_bytes = 0
        self.most_parts = 1
        first = 0
        for i, (kernel, (inputs, outputs)) in enumerate(zip(kernels, edges, strict=True)):
            step = &self.plan.steps[i]
            step.run, step.data = kernel.run, kernel.data
            step.run_part, step.most_parts = kernel.run_part, kernel.most_parts
            step.input_count, step.output_count = len(inputs), len(outputs)
            step.first_edge = first
            first += len(inputs) + len(outputs)
            self.plan.most_edges = max(self.plan.most_edges, len(inputs) + len(outputs))
            self.scratch_bytes = max(self.scratch_bytes, kernel.scratch_bytes)
            self.most_parts = max(self.most_parts, kernel.most_parts)

    def _set_values(self, values):
        cdef Value *value
        self.plan.values = <Value *> self._own(len(values) * sizeof(Value))
        for i, (place, where, nbytes) in enumerate(values):
            value = &self.plan.values[i]
            value.nbytes = nbytes
            if place == "fixed":
                value.place = FIXED
                value.offset = <Py_ssize_t> (<Memory> where).start
            else:
                value.place = ARENA if place == "arena" else PORT
                value.offset = where

    def _set_ports(self, ports, int input_count):
        self.port_count, self.input_count = len(ports), input_count
        self.names = [name for name, _, _ in ports]
        self.ports = <PortType *> self._own(len(ports) * sizeof(PortType))
        for i, (_, dtype, shape) in enumerate(ports):
            self.ports[i].typenum = np.dtype(dtype).num
            self.ports[i].rank = len(shape) + 1
            for axis, size in enumerate(shape):
                self.ports[i].shape[axis + 1] = size

    cdef np.ndarray _checked(self, int number, object array):
        """Return `array` if it is a batch of input `number`, C-contiguous, else raise."""
        cdef PortType *port = &self.ports[number]
        cdef int axis
        cdef bint fits = isinstance(array, np.ndarray)
        if fits:
            fits = (
                np.PyArray_TYPE(array) == port.typenum
                and np.PyArray_NDIM(array) == port.rank
                and np.PyArray_DIM(array, 0) > 0
            )
        if fits:
            for axis in range(1, port.rank):
                fits = fits and np.PyArray_DIM(array, axis) == port.shape[axis]
        if not fits:
            raise InputError(self._refusal(number, array))
        if port.typenum == np.NPY_FLOAT32 and np.isnan(array).any():
            raise InputError(f"input '{self.names[number]}' holds NaN, which has no integer")
        if not np.PyArray_ISCARRAY_RO(array):
            array = np.array(array, dtype=np.PyArray_DescrFromType(port.typenum), order="C")
        return array

    def _refusal(self, int number, array):
        cdef PortType *port = &self.ports[number]
        want = ["B", *(str(port.shape[axis]) for axis in range(1, port.rank))]
        dtype = np.PyArray_DescrFromType(port.typenum).name
        if not isinstance(array, np.ndarray):
            return (
                f"input '{self.names[number]}' is a {type(array).__name__}, must be a NumPy array "
                f"{dtype}[{', '.join(want)}]"
            )
        return (
            f"input '{self.names[number]}' is {array.dtype.name}{list(array.shape)}, must be "
            f"{dtype}[{', '.join(want)}] with at least one sample"
        )

    def run(self, inputs, int threads=1):
        """Run a batch.

        Parameters
        ----------
        inputs : ndarray, or sequence of ndarray
            One per input: the tensor's dtype, shape (B, *shape). C-contiguous ones are not copied.
        threads : int
            The calling thread is one of them.

        Returns
        -------
        tuple of ndarray
            One per port after the inputs, (B, *shape).

        Raises
        ------
        InputError
            Naming the input that does not fit.
        """
        cdef Job job
        cdef Worker worker
        cdef list arrays
        arrays, job = self._start(inputs, threads)
        worker = self._worker(arrays)
        if threads > 1:
            self._run_threads(arrays, worker, job, threads)
        else:
            self._work(worker, job)
        self.idle.append(worker)
        return tuple(arrays[self.input_count :])

    def profile(self, inputs):
        """Run a batch and return the seconds that each kernel took, in order."""
        cdef Job job
        cdef Worker worker
        cdef Memory seconds = Memory(self.plan.step_count * sizeof(double))
        arrays, job = self._start(inputs, 1)
        job.seconds = <double *> seconds.start
        worker = self._worker(arrays)
        self._work(worker, job)
        self.idle.append(worker)
        return [job.seconds[i] for i in range(self.plan.step_count)]

    cdef tuple _start(self, object inputs, int threads):
        """Check the inputs of a run and make room for its outputs."""
        cdef Job job
        cdef list arrays
        cdef int i
        if isinstance(inputs, np.ndarray):
            inputs = (inputs,)
        if len(inputs) != self.input_count:
            raise InputError(f"the model has {self.input_count} inputs, {len(inputs)} were given")
        if threads < 1:
            raise InputError(f"threads is {threads}, must be at least 1")
        arrays = [self._checked(i, inputs[i]) for i in range(self.input_count)]
        job = Job.__new__(Job)
        job.next, job.block, job.seconds = 0, self.plan.block, NULL
        job.parts = job.finished = 0
        job.batch = np.PyArray_DIM(arrays[0], 0)
        for i in range(1, self.input_count):
            if np.PyArray_DIM(arrays[i], 0) != job.batch:
                raise InputError(
                    f"inputs '{self.names[0]}' and '{self.names[i]}' have {job.batch} and "
                    f"{len(arrays[i])} samples, must have the same number"
                )
        for i in range(self.input_count, self.port_count):
            arrays.append(self._empty(i, job.batch))
        return arrays, job

    cdef np.ndarray _empty(self, int number, Py_ssize_t batch):
        cdef PortType *port = &self.ports[number]
        cdef np.npy_intp shape[MAX_DIMS]
        memcpy(shape, port.shape, sizeof(shape))
        shape[0] = batch
        return np.PyArray_EMPTY(port.rank, shape, port.typenum, 0)

    cdef Worker _worker(self, list arrays):
        """Take an idle worker, or make one, and give it the batch."""
        cdef Worker worker
        cdef int i
        if self.idle:
            worker = self.idle.pop()
        else:
            worker = Worker(
                self.arena_bytes, self.scratch_bytes, self.port_count, self.plan.most_edges
            )
        for i in range(self.port_count):
            worker.bases[i] = <char *> np.PyArray_DATA(<np.ndarray> arrays[i])
        return worker

    cdef _work(self, Worker worker, Job job):
        """Take blocks until none is left; look for Ctrl-C now and then."""
        cdef bint more = True
        cdef Py_ssize_t most = 1 + 1024 // self.plan.block
        while more:
            with nogil:
                more = run_rounded(&self.plan, worker, job, most)
            PyErr_CheckSignals()

    cdef _run_threads(self, list arrays, Worker worker, Job job, int threads):
        """Share the work with as many threads as are worth waking."""
        cdef double start = time.perf_counter()
        if self.sample_seconds == 0:
            with nogil:
                run_rounded(&self.plan, worker, job, 1)
            self.sample_seconds = (time.perf_counter() - start) / min(job.block, job.batch)
        left = job.batch - job.next
        worthwhile = min(threads, int(left * self.sample_seconds / SECONDS_TO_WAKE))
        if left < threads and job.next == 0:
            self._share_layers(arrays, worker, job, min(worthwhile, self.most_parts))
            return
        # Several blocks a thread: one that is held up leaves its share to the others.
        job.block = max(1, min(job.block, job.batch // (BLOCKS_A_THREAD * threads)))
        self._work_with(min(worthwhile, left // job.block) - 1, arrays, worker, job)

    cdef _share_layers(self, list arrays, Worker worker, Job job, int parts):
        """Run fewer samples than there are threads; layer by layer together, if that gains.

        It does not while other programs use the processors.
        """
        cdef double start = time.perf_counter()
        cdef double seconds
        if parts > 1 and self.runs_alone == 0:
            job.parts, job.arena = parts, worker.arena.start
        self._work_with(job.parts - 1, arrays, worker, job)
        seconds = (time.perf_counter() - start) / job.batch
        if job.parts == 0:
            self.sample_seconds = min(self.sample_seconds, seconds)
            self.runs_alone = max(0, self.runs_alone - 1)
            return
        self.saved = min(self.saved + self.sample_seconds - seconds, MOST_LOST)
        if self.saved < -MOST_LOST:
            self.saved, self.runs_alone = 0, RUNS_ALONE

    cdef _work_with(self, Py_ssize_t count, list arrays, Worker worker, Job job):
        """Work on a job with `count` helpers."""
        cdef Worker other
        helpers = [IDLE_HELPERS.pop() if IDLE_HELPERS else Helper() for _ in range(count)]
        for helper in helpers:
            (<Helper> helper).help(&self.plan, self._worker(arrays), job)
        try:
            self._work(worker, job)
        finally:
            if not job.parts:
                job.next = job.batch  # nothing left, also after Ctrl-C
            for helper in helpers:
                other = (<Helper> helper).worker
                (<Helper> helper).join()
                self.idle.append(other)
        IDLE_HELPERS.extend(helpers)
