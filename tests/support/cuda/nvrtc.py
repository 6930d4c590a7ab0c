"""NVIDIA's run-time compiler and disassembler, which need no GPU."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
import subprocess
from pathlib import Path

from qembed.backends.gpu.source import OPTIONS, text


def _find(pattern: str) -> Path:
    """First file of the `nvidia` packages that fits."""
    spec = importlib.util.find_spec("nvidia")
    found = [p for folder in spec.submodule_search_locations for p in Path(folder).glob(pattern)]
    return min(found)


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(_find("cuda_nvrtc/lib/libnvrtc.so.12")))


def compile_for(architecture: str) -> tuple[bytes, str]:
    """Binary of the kernels for an architecture such as "sm_90", and what the assembler says."""
    nvrtc, program, size = _library(), ctypes.c_void_p(), ctypes.c_size_t()
    source = text().encode()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, b"qembed.cu", 0, None, None) == 0
    options = [o.encode() for o in (*OPTIONS, f"-arch={architecture}", "--ptxas-options=-v")]
    status = nvrtc.nvrtcCompileProgram(
        program, len(options), (ctypes.c_char_p * len(options))(*options)
    )
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert status == 0, log.value.decode()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    binary = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, binary)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return binary.raw, log.value.decode()


def disassemble(binary: Path) -> dict[str, list[str]]:
    """Instructions of each kernel, by its name: "IMMA.16832.S8.S8", ..."""
    output = subprocess.run(
        [str(_find("*/bin/nvdisasm")), "-c", str(binary)], capture_output=True, check=True
    ).stdout.decode()
    kernels: dict[str, list[str]] = {}
    for part in output.split(".section\t.text.")[1:]:
        name = re.match(r"\w+", part)[0]
        kernels[name] = re.findall(
            r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+ )?([A-Z][\w.]*)", part, re.M
        )
    return kernels
