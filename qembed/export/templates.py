"""The one place that knows jinja2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from qembed.resources import firmware_templates


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(firmware_templates()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Fill a template, given by its path below the folder of templates."""
    return _environment().get_template(template).render(values).encode()
