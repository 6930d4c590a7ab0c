"""Every error qembed raises on purpose. Anything else that escapes is a bug.

The message of each is one sentence that a user can act on: what is wrong, where, what to do.
"""


class QembedError(Exception):
    """Base class. The command line prints the message and exits with status 3."""


class ModelError(QembedError):
    """A model file or graph is damaged, inconsistent or not numerically sound."""


class UnsupportedError(QembedError):
    """The model uses an operator, type or parameter that qembed does not implement."""


class InputError(QembedError):
    """Data given to a model has the wrong shape, type or values."""


class ToolError(QembedError):
    """A compiler, emulator or optional Python package is missing or failed."""


class DeviceError(QembedError):
    """The board did not answer, or not as a qembed firmware of this model would."""
