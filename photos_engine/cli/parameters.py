"""Arguments that are more than text: days, screens, aspects. Each function is a click type."""

from __future__ import annotations

import math
from datetime import date, datetime

import click

LIMIT = click.IntRange(min=1)
FOLDER = click.Path(file_okay=False)


def parse_day(text: str) -> date:
    """A day of the calendar, or today."""
    if text == "today":
        return datetime.now().astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day: write it like 2024-05-31, or today") from None


def parse_screen(text: str) -> tuple[int, int]:
    """Width and height in pixels."""
    width, height = _parse_pair(text.lower(), "x", "no screen: write it like 2560x1440")
    if not (width.is_integer() and height.is_integer()):
        raise click.BadParameter(f"{text!r} has no whole pixels")
    return int(width), int(height)


def parse_aspect(text: str) -> tuple[float, float]:
    """Width to height."""
    return _parse_pair(text, ":", "no aspect: write it like 16:9")


def _parse_pair(text: str, separator: str, otherwise: str) -> tuple[float, float]:
    """Two finite positive numbers with a separator between them."""
    try:
        first, second = map(float, text.split(separator))
    except ValueError:
        first = second = math.nan
    if not (0 < first < math.inf and 0 < second < math.inf):
        raise click.BadParameter(f"{text!r} is {otherwise}")
    return first, second
