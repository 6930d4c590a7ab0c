"""qembed: small networks on microcontrollers, with the bytes of the desk."""

__version__ = "0.1.0"
