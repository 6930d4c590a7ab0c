"""Boards at work: compile, boot, connect, count."""
