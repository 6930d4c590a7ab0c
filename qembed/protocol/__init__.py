"""The host's end of the link (docs/protocol.md): bytes in, bytes out, no I/O and no clock."""
