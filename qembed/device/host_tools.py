"""Programs of the desk: found, or compiled once from C that travels with qembed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from qembed.errors import ToolError
from qembed.resources import firmware_templates


def require_program(program: str, purpose: str, packages: Sequence[str]) -> None:
    """Raise ToolError, with the Debian packages that hold it, if a program is not installed."""
    if shutil.which(program) is None:
        remedy = f"; install it with: apt-get install {' '.join(packages)}" if packages else ""
        raise ToolError(f"program '{program}', needed to {purpose}, is not installed{remedy}")


def cache_folder() -> Path:
    """Where what was built is kept for the next time."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "qembed"


def compile_tool(name: str, flags: Sequence[str], packages: Sequence[str]) -> Path:
    """Compile a C file of ``firmware_templates/emulation``, or return what was compiled before.

    Parameters
    ----------
    name : str
        Its file name.
    flags : sequence of str
        For the compiler, behind the source: libraries, or ``-shared``.
    packages : sequence of str
        Debian packages that it needs besides the compiler.

    Raises
    ------
    ToolError
        If there is no compiler, or it fails.
    """
    source = firmware_templates() / "emulation" / name
    digest = hashlib.sha256("\0".join(flags).encode() + source.read_bytes()).hexdigest()[:32]
    program = cache_folder() / "tools" / f"{source.stem}-{digest}"
    if program.is_file():
        return program
    require_program("cc", f"compile {name}", ("gcc",))
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
        output = Path(scratch) / "tool"
        command = ["cc", "-std=c99", "-O2", str(source), *flags, "-o", str(output)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            remedy = f" (is {' '.join(packages)} installed?)" if packages else ""
            said = result.stderr.strip().splitlines() or ["no message"]
            raise ToolError(f"{name} does not compile{remedy}: {said[0]}")
        output.replace(program)
    return program
