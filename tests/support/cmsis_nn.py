"""Where the sources of CMSIS-NN are: a development package carries them."""

import importlib.util
from pathlib import Path

import pytest


def cmsis_nn_folder():
    """Folder of the sources; skips the test where the package is not installed."""
    spec = importlib.util.find_spec("bakenn")
    if spec is None or spec.origin is None:
        pytest.skip("the sources of CMSIS-NN are not here: pip install bakenn==1.0.0")
    return Path(spec.origin).parent / "backend" / "cmsis_nn" / "vendor"
