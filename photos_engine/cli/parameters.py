"""Arguments that are more than text: days, screens, aspects. Each function is a click type."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import click

MOST_PHOTOS = 1_000_000
FIRST_YEAR, LAST_YEAR = 1826, 2200  # from the oldest photograph that is left

LIMIT = click.IntRange(min=1, max=MOST_PHOTOS)


class Folder(click.Path):
    """A folder, there or not. An empty name is a slip: as a path it would mean the folder one stands in."""

    def __init__(self, path_type: type | None = None) -> None:
        super().__init__(file_okay=False, path_type=path_type)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The folder's path."""
        if value == "":
            self.fail("an empty name is no folder", param, ctx)
        return super().convert(value, param, ctx)


def parse_day(text: str) -> date:
    """A day of the calendar, or today."""
    if text == "today":
        return datetime.now().astimezone().date()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day: write it like 2024-05-31, or today") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise click.BadParameter(f"{text!r} is no day of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


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
