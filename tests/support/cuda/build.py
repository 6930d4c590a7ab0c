"""The kernels, compiled for this CPU with the shim in front."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import subprocess
from pathlib import Path

from qembed.backends.gpu.source import text

SHIM = Path(__file__).parent / "shim.h"
UNDEFINED = "-fsanitize=signed-integer-overflow,shift,integer-divide-by-zero,bounds"
"""Reported on the standard error output as "runtime error", which a test looks for."""
FLAGS = ("-std=c++17", "-fPIC", "-shared", "-ffp-contract=off", "-fno-strict-aliasing", UNDEFINED)
BARRIER = "__syncthreads();"


def barriers() -> int:
    """How many barriers the kernels have."""
    return text().count(BARRIER)


@functools.cache
def library(options: tuple[str, ...] = ("-O2",), without: int | None = None) -> ctypes.CDLL:
    """Compile once for all workers of a test run; if asked to, without one of the barriers."""
    code = text()
    if without is not None:
        pieces = code.split(BARRIER)
        pieces[without : without + 2] = ["".join(pieces[without : without + 2])]
        code = BARRIER.join(pieces)
    command = ["g++", *FLAGS, *options, "-w", "-include", str(SHIM), "-x", "c++", "-"]
    key = hashlib.sha256("\0".join([code, SHIM.read_text(), *command]).encode()).hexdigest()[:16]
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "cuda-shim"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{key}.so"
    if not target.is_file():
        made = folder / f"{key}.{os.getpid()}.so"
        subprocess.run([*command, "-o", str(made)], input=code.encode(), check=True)
        made.replace(target)
    return ctypes.CDLL(str(target))


def launch(
    built: ctypes.CDLL,
    name: str,
    blocks: int,
    threads: int,
    shared: int,
    order: int,
    arguments: tuple[int, int, int, int],
) -> None:
    """Run a grid; `arguments`: address of the steps, their count, first sample, samples."""
    kernel = ctypes.cast(getattr(built, name), ctypes.c_void_p)
    steps, count, first, batch = arguments
    built.shim_launch(
        kernel,
        ctypes.c_uint(blocks),
        ctypes.c_uint(threads),
        ctypes.c_size_t(shared),
        ctypes.c_uint(order),
        ctypes.c_void_p(steps),
        ctypes.c_int(count),
        ctypes.c_int(first),
        ctypes.c_int(batch),
    )
