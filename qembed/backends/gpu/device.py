"""The one GPU of this process, as CuPy shows it. All that can be wrong with it is a sentence."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from qembed.backends.gpu.source import OPTIONS, text
from qembed.errors import ToolError
from qembed.ir import AnyArray

LEAST_CAPABILITY = 75
"""int8 tensor cores begin with Turing."""
THREADS = 256
"""Of a block: `THREADS` in kernels/common.cuh."""
BLOCKS_A_PROCESSOR = 16
"""More only wait; threads take several items each."""
PLAIN_SHARED_BYTES = 48 << 10
"""Shared memory that a kernel may use without asking."""


class OutOfDeviceMemory(Exception):
    """The GPU has not as much memory left."""


class Gpu:
    """Memory and kernels of the current device.

    Attributes
    ----------
    name : str
    shared_bytes : int
        Shared memory that a block can have.
    cache_bytes : int
        Of the second-level cache.
    """

    def __init__(self) -> None:
        self._cupy = _import_cupy()
        with self.sentences():
            _require_device(self._cupy)
            device = self._cupy.cuda.Device()
            self.name = _name(self._cupy, device.id)
            if int(device.compute_capability) < LEAST_CAPABILITY:
                raise ToolError(
                    f"{self.name} has compute capability {device.compute_capability}, without "
                    "int8 tensor cores; take a GPU of 7.5 or later, or --form host"
                )
            self.shared_bytes = int(device.attributes["MaxSharedMemoryPerBlockOptin"])
            self.cache_bytes = int(device.attributes["L2CacheSize"])
            self._most_blocks = BLOCKS_A_PROCESSOR * int(device.attributes["MultiProcessorCount"])
            self._module = self._cupy.RawModule(code=text(), options=OPTIONS)
        self._kernels: dict[str, tuple[Any, int]] = {}

    @contextmanager
    def sentences(self) -> Iterator[None]:
        """Turn what CUDA or its compiler says into a ToolError."""
        try:
            yield
        except self._cupy.cuda.compiler.CompileException as error:
            raise ToolError(
                f"the GPU's compiler refuses the kernels: {_first_line(error)}; take --form host"
            ) from None
        except (RuntimeError, ImportError, OSError) as error:  # CUDA's own are RuntimeErrors
            raise ToolError(f"the GPU failed: {_first_line(error)}; take --form host") from None

    def free_bytes(self) -> int:
        """Memory that can still be had."""
        free, _ = self._cupy.cuda.runtime.memGetInfo()
        return int(free) + int(self._cupy.get_default_memory_pool().free_bytes())

    def allocate(self, nbytes: int) -> Any:
        """Return memory, with its address in ``.ptr``.

        Raises
        ------
        OutOfDeviceMemory
        """
        try:
            return self._cupy.cuda.alloc(nbytes)
        except self._cupy.cuda.memory.OutOfMemoryError:
            raise OutOfDeviceMemory from None

    def upload(self, memory: Any, offset: int, array: AnyArray) -> None:
        """Copy a C-contiguous array to the device, behind everything that was started."""
        if array.nbytes:
            (memory + offset).copy_from_host(array.ctypes.data, array.nbytes)

    def download(self, memory: Any, offset: int, array: AnyArray) -> None:
        """Wait for everything that was started, and copy into a C-contiguous array."""
        if array.nbytes:
            (memory + offset).copy_to_host(array.ctypes.data, array.nbytes)

    def launch(
        self, kernel: str, blocks: int, shared: int, steps: int, count: int, first: int, batch: int
    ) -> None:
        """Start a kernel on `count` steps that lie at address `steps`, for some samples."""
        function = self._function(kernel, shared)
        arguments = (np.uint64(steps), np.int32(count), np.int32(first), np.int32(batch))
        with self._cupy.cuda.Stream.null:  # as the copies, whatever stream a caller has chosen
            function(
                (max(1, min(blocks, self._most_blocks)),),
                (THREADS,),
                arguments,
                shared_mem=shared,
            )

    def _function(self, kernel: str, shared: int) -> Any:
        """Return a kernel that may use so much shared memory."""
        function, granted = self._kernels.get(kernel, (None, PLAIN_SHARED_BYTES))
        if function is None:
            function = self._module.get_function(f"qe_{kernel}")
        if shared > granted:
            function.max_dynamic_shared_size_bytes = shared
        self._kernels[kernel] = function, max(shared, granted)
        return function


@functools.cache
def gpu() -> Gpu:
    """Return the current device.

    Raises
    ------
    ToolError
        If there is none that can be used; the sentence says why and what to do.
    """
    return Gpu()


def _import_cupy() -> Any:
    try:
        import cupy
    except Exception as error:  # a broken installation raises anything
        reason = "is not installed" if isinstance(error, ImportError) else f"is broken: {error}"
        raise ToolError(
            f"the form gpu needs CuPy, which {reason}; pip install 'qembed[gpu]', or take "
            "--form host"
        ) from None
    return cupy


def _require_device(cupy: Any) -> None:
    """Refuse to go on without a driver that is new enough and a device."""
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        driver, wanted = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if driver == 0:
            reason = "there is no NVIDIA driver"
        elif driver // 1000 < wanted // 1000:
            reason = (
                f"the NVIDIA driver is for CUDA {_version(driver)}, CuPy for CUDA "
                f"{_version(wanted)}: update the driver"
            )
        else:
            reason = str(error)
        raise ToolError(f"no GPU can be used: {reason}; or take --form host") from None
    if count == 0:
        raise ToolError("no GPU can be used: the driver shows none; take --form host")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _name(cupy: Any, device: int) -> str:
    name = cupy.cuda.runtime.getDeviceProperties(device)["name"]
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
