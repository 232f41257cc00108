"""When photos were taken, as far as the folders that they lie in tell: a day, a month or a year, and no more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Final

# The oldest photograph that survives was taken in 1826 or 1827.
_EARLIEST_YEAR: Final = 1826
# What a clock that was never set says, to the second.
_CLOCK_DEFAULTS: Final = frozenset(datetime(year, 1, 1) for year in (1904, 1970, 1980))

_FOLDER_DAY: Final = re.compile(
    r"^(?P<year>(?:18|19|20)\d{2})(?P<sep>[-_. ]?)(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])(?!\d)"
)
_FOLDER_MONTH: Final = re.compile(r"^(?P<year>(?:18|19|20)\d{2})[-_. ]?(?P<month>0[1-9]|1[0-2])(?!\d)")
_FOLDER_YEAR: Final = re.compile(r"(?<!\d)(?P<year>(?:18|19|20)\d{2})(?!\d)")
_NUMBER_FOLDER: Final = re.compile(r"^(?P<number>\d{1,2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a folder's name speaks of: from `first` on, before `end`."""

    first: datetime
    end: datetime


def is_plausible(local: datetime) -> bool:
    """Whether a photo can have been taken then: since photography, not tomorrow, no unset clock."""
    if local.year < _EARLIEST_YEAR or local.replace(tzinfo=None) in _CLOCK_DEFAULTS:
        return False
    latest = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    return local.replace(tzinfo=None) <= latest


def period_in_folders(path: PurePath) -> Period | None:
    """The day, month or year that the folders of a path speak of, the nearest first ("2023/05/14")."""
    names = path.parts[:-1][-4:]
    for depth in range(len(names), 0, -1):
        name, above = names[depth - 1], names[: depth - 1]
        period = _period_in(name, above)
        if period is not None and is_plausible(period.first):
            return period
    return None


def _period_in(name: str, above: tuple[str, ...]) -> Period | None:
    if match := _FOLDER_DAY.match(name):
        return _period(int(match["year"]), int(match["month"]), int(match["day"]))
    if match := _FOLDER_MONTH.match(name):
        return _period(int(match["year"]), int(match["month"]))
    if (number := _NUMBER_FOLDER.match(name)) and above:
        parent = _NUMBER_FOLDER.match(above[-1])
        if (year := _FOLDER_YEAR.fullmatch(above[-1])) is not None:
            return _period(int(year["year"]), int(number["number"]))
        if parent and len(above) > 1 and (year := _FOLDER_YEAR.fullmatch(above[-2])) is not None:
            return _period(int(year["year"]), int(parent["number"]), int(number["number"]))
        if month := _FOLDER_MONTH.fullmatch(above[-1]):
            return _period(int(month["year"]), int(month["month"]), int(number["number"]))
    if match := _FOLDER_YEAR.search(name):
        return _period(int(match["year"]))
    return None


def _period(year: int, month: int | None = None, day: int | None = None) -> Period | None:
    try:
        first = datetime(year, month or 1, day or 1)
        if day is not None:
            return Period(first, first + timedelta(days=1))
        if month is not None:
            return Period(first, (first + timedelta(days=31)).replace(day=1))
        return Period(first, datetime(year + 1, 1, 1))
    except ValueError:
        return None
