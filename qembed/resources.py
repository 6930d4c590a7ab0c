"""Where the files that travel with the package are."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def firmware_templates() -> Path:
    """Return the folder of kernels, runtime, boards and templates.

    In a wheel it lies inside the package, in a checkout (editable install) beside it.
    """
    packaged = PACKAGE / "firmware_templates"
    return packaged if packaged.is_dir() else PACKAGE.parent / "firmware_templates"
