"""qembed: small networks on microcontrollers, with the bytes of the desk."""
