"""How a board is reached: options of its serial line, opening it, opening it once more."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from qembed.device.session import USUAL_BAUDS, Session, find_baud
from qembed.device.transport import Port, open_port


@dataclass(frozen=True, slots=True)
class LineOptions:
    """How to open ports."""

    baud: tuple[int, ...]
    rtscts: bool
    reset: bool


def _bauds(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Read one rate, several with commas between them, or "auto"."""
    if value == "auto":
        return USUAL_BAUDS
    parts = value.split(",")
    if not all(re.fullmatch("[0-9]{3,8}", part) and int(part) >= 300 for part in parts):
        raise click.BadParameter(f"'{value}' is neither auto nor rates such as 115200,921600")
    return tuple(map(int, parts))


def line_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a `LineOptions`, which the function gets as `line`."""

    @functools.wraps(function)
    def packed(**options: Any) -> Any:
        names = LineOptions.__dataclass_fields__
        own = LineOptions(**{name: options.pop(name) for name in names})
        return function(line=own, **options)

    decorators = (
        click.option(
            "--baud",
            callback=_bauds,
            metavar="RATES",
            default="115200",
            help="Bits per second; several, such as 115200,921600, or auto: the first at which a "
            "firmware answers.",
        ),
        click.option("--rtscts", is_flag=True, help="Hardware flow control."),
        click.option(
            "--reset", is_flag=True, help="Reset the board when its port is opened (DTR, RTS)."
        ),
    )
    wrapped: Callable[..., Any] = packed
    for decorate in reversed(decorators):
        wrapped = decorate(wrapped)
    return wrapped


def open_line(url: str, options: LineOptions) -> Port:
    """Open a port, at the rate at which a firmware answers if several are given."""
    with contextlib.ExitStack() as stack:
        first, *others = options.baud
        port = open_port(url, first, rtscts=options.rtscts, reset=options.reset)
        stack.callback(port.close)
        if others:
            find_baud(port, options.baud)
        stack.pop_all()
        return port


class Plug:
    """A port that may be opened again when its board comes back; closed at the end of a block."""

    def __init__(self, url: str, options: LineOptions) -> None:
        self._url, self._options = url, options
        self.port = open_line(url, options)

    def __enter__(self) -> Plug:
        return self

    def __exit__(self, *exc: object) -> None:
        self.port.close()

    def session_again(self) -> Session:
        """Open the port once more and shake hands."""
        self.port.close()
        self.port = open_line(self._url, self._options)
        return Session(self.port)
