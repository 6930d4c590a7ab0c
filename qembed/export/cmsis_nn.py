"""Let the user's own CMSIS-NN run the layers that it can, with the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qembed.errors import ToolError
from qembed.resources import firmware_templates
from qembed.targets import Target

VARIANT = "cmsis_nn"
HEADER = "arm_nnfunctions.h"


def with_cmsis_nn(target: Target) -> Target:
    """Prefer CMSIS-NN to every kernel of our own; those run what it cannot."""
    return replace(target, variants=(VARIANT, *target.variants))


def cmsis_nn_files(folder: Path) -> dict[str, bytes]:
    """Read what a build of CMSIS-NN needs, and the layer that calls it.

    Parameters
    ----------
    folder : Path
        Holds its sources, and at any depth also CMSIS-Core's ``cmsis_compiler.h``.

    Returns
    -------
    dict of bytes
        By path; every ``.c`` file is to be compiled.

    Raises
    ------
    ToolError
        If there is no CMSIS-NN.
    """
    paths = [*sorted(folder.rglob("*.h")), *sorted(folder.rglob("arm_*.c"))]  # no tests of its own
    if HEADER not in {path.name for path in paths}:
        raise ToolError(
            f"folder '{folder}' holds no CMSIS-NN: there is no {HEADER} in it; "
            "give the folder of its sources"
        )
    files = {f"cmsis_nn/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in paths}
    for path in sorted((firmware_templates() / "cmsis_nn").glob("*.c")):
        files[f"cmsis_nn/{path.name}"] = path.read_bytes()
    return files
