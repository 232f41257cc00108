"""Arguments that are more than text: days, screens, aspects. Each function is a click type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import click

MOST_PHOTOS = 1_000_000
FIRST_YEAR, LAST_YEAR = 1826, 2200  # from the oldest photograph that is left

SCREENS: Mapping[str, tuple[int, int]] = {"desktop": (1920, 1080), "portrait": (1170, 2532), "ultrawide": (3440, 1440)}
"""A usual screen of each kind, in pixels."""

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


def parse_clock(text: str) -> time:
    """A time of day, or now."""
    if text == "now":
        return datetime.now().astimezone().time()
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time of day: write it like 18:30, or now") from None


def parse_aspect(text: str) -> tuple[float, float]:
    """Width to height."""
    return _parse_pair(text, ":", "no aspect: write it like 16:9")


def parse_region(text: str) -> tuple[float, float, float, float]:
    """Left, top, width and height as shares of a picture; becomes a box, left, top, right, bottom."""
    try:
        left, top, width, height = map(float, text.split(","))
    except ValueError:
        left = top = width = height = math.nan
    if not (0 <= left < left + width <= 1 and 0 <= top < top + height <= 1):
        raise click.BadParameter(f"{text!r} is no part of a picture: write it like 0.5,0,0.5,1, from 0 to 1")
    return left, top, left + width, top + height


def _parse_pair(text: str, separator: str, otherwise: str) -> tuple[float, float]:
    """Two finite positive numbers with a separator between them."""
    try:
        first, second = map(float, text.split(separator))
    except ValueError:
        first = second = math.nan
    if not (0 < first < math.inf and 0 < second < math.inf):
        raise click.BadParameter(f"{text!r} is {otherwise}")
    return first, second
