"""The part of CuPy that the GPU form uses, over the shim: host memory, kernels on this CPU.

`installed` puts it in CuPy's place. Names, signatures and argument types are CuPy's; what CuPy
would refuse is refused here.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest import mock

import numpy as np

from qembed.backends.gpu import device
from support.cuda import build

OPTIN_BYTES = 227 << 10


class CUDARuntimeError(RuntimeError):
    pass


class CUDADriverError(RuntimeError):
    pass


class CompileException(Exception):
    pass


class OutOfMemoryError(MemoryError):
    pass


@dataclass
class World:
    """What a test may set, and what it may look at.

    Attributes
    ----------
    order : int
        Of the threads: see shim.h.
    memory : int
        What an allocation can have at most.
    claimed : int
        What the driver says is free.
    shared : int
        Shared memory that a block can have.
    options : tuple of str
        Of the compiler.
    without : int, optional
        Barrier that is left out.
    launches : list
        Name and blocks of every kernel that ran.
    """

    order: int = 0
    memory: int = 1 << 30
    claimed: int = 1 << 30
    shared: int = OPTIN_BYTES
    options: tuple[str, ...] = ("-O2",)
    without: int | None = None
    launches: list[tuple[str, int]] = field(default_factory=list)


class MemoryPointer:
    def __init__(self, world: World, array: np.ndarray, offset: int = 0) -> None:
        self._world, self._array, self._offset = world, array, offset
        self.ptr = array.ctypes.data + offset

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self._world, self._array, self._offset + offset)

    def _require(self, size: int) -> None:
        assert 0 <= self._offset <= self._offset + size <= self._array.size

    def copy_from_host(self, mem: int, size: int) -> None:
        self._require(size)
        ctypes.memmove(self.ptr, mem, size)

    def copy_to_host(self, mem: int, size: int) -> None:
        self._require(size)
        ctypes.memmove(mem, self.ptr, size)


class Stream:
    """The default stream, which copies go through: kernels must as well, or nothing orders them."""

    current: Stream | None = None

    def __enter__(self) -> Stream:
        Stream.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Stream.current = None


Stream.null = Stream()


class RawModule:
    def __init__(self, world: World, code: str, options: tuple[str, ...]) -> None:
        assert code == build.text()
        assert all(option.startswith("-") for option in options)
        self._world = world
        self._built = build.library(world.options, world.without)

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self._world, self._built, name)


class RawKernel:
    def __init__(self, world: World, built: ctypes.CDLL, name: str) -> None:
        self._world, self._built, self._name = world, built, name
        self.max_dynamic_shared_size_bytes = 48 << 10

    def __call__(self, grid, block, args, *, shared_mem: int = 0) -> None:
        assert Stream.current is Stream.null
        assert [type(a) for a in args] == [np.uint64, np.int32, np.int32, np.int32]
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise CUDADriverError("CUDA_ERROR_INVALID_VALUE: invalid argument")
        self._world.launches.append((self._name, *grid))
        arguments = tuple(int(a) for a in args)
        build.launch(
            self._built, self._name, *grid, *block, shared_mem, self._world.order, arguments
        )


def module(world: World) -> types.SimpleNamespace:
    """Make what ``import cupy`` gives."""

    def alloc(size: int) -> MemoryPointer:
        if size > world.memory:
            raise OutOfMemoryError(f"Out of memory allocating {size} bytes")
        return MemoryPointer(world, np.full(size, 0xA5, np.uint8))

    attributes = {
        "MaxSharedMemoryPerBlockOptin": world.shared,
        "L2CacheSize": 4 << 20,
        "MultiProcessorCount": 2,
    }
    runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=lambda: 1,
        driverGetVersion=lambda: 12040,
        runtimeGetVersion=lambda: 12090,
        memGetInfo=lambda: (world.claimed, world.claimed),
        getDeviceProperties=lambda _: {"name": b"a CPU in a GPU's place"},
    )
    cuda = types.SimpleNamespace(
        Device=lambda: types.SimpleNamespace(id=0, compute_capability="90", attributes=attributes),
        Stream=Stream,
        alloc=alloc,
        compiler=types.SimpleNamespace(CompileException=CompileException),
        driver=types.SimpleNamespace(CUDADriverError=CUDADriverError),
        memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=runtime,
    )
    return types.SimpleNamespace(
        cuda=cuda,
        RawModule=lambda *, code, options: RawModule(world, code, options),
        get_default_memory_pool=lambda: types.SimpleNamespace(free_bytes=lambda: 0),
    )


@contextlib.contextmanager
def installed(**settings: object) -> Iterator[World]:
    """Put the shim in CuPy's place; `settings` are those of a `World`."""
    world = World(**settings)
    with replaced_by(module(world)):
        yield world


@contextlib.contextmanager
def replaced_by(cupy: object) -> Iterator[None]:
    """Put anything in CuPy's place; None: it is not installed."""
    device.gpu.cache_clear()
    with mock.patch.dict(sys.modules, cupy=cupy):
        yield
    device.gpu.cache_clear()
