"""Where the files that travel with the package are."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def firmware_templates() -> Path:
    """Folder of kernels, runtime, boards and templates: in a wheel inside the package, in a
    checkout (editable install) beside it.
    """
    packaged = PACKAGE / "firmware_templates"
    return packaged if packaged.is_dir() else PACKAGE.parent / "firmware_templates"
