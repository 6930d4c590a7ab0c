"""Hold a board against the desk, byte for byte, and say where and why they differ."""
