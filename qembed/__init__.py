"""qembed: small networks on microcontrollers, with the bytes of the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qembed.api import Model as Model
    from qembed.api import load as load
    from qembed.api import simulate as simulate

__version__ = "0.1.0"
__all__ = ["Model", "__version__", "load", "simulate"]


def __getattr__(name: str) -> Any:
    """Import the API when it is first used: the command line starts without it."""
    if name not in ("Model", "api", "load", "simulate"):
        raise AttributeError(f"module 'qembed' has no attribute '{name}'")
    import importlib

    api = importlib.import_module("qembed.api")
    return api if name == "api" else getattr(api, name)
