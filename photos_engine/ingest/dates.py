"""When a photo was taken, out of timestamps and names; rubbish dates are none at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import PurePath
from typing import Final

from photos_engine.periods import is_plausible

_TIMESTAMP: Final = re.compile(
    r"\s*(?P<year>\d{4})[-:/.](?P<month>\d{1,2})[-:/.](?P<day>\d{1,2})"
    r"(?:[T\s]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_OFFSET: Final = re.compile(r"\s*(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?\s*$")

_DAY: Final = (
    r"(?P<year>(?:18|19|20)\d{2})(?P<sep>[-_.: ]?)(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])"
)
_TIME: Final = (
    r"(?:[-_ T.,]{0,3}|\s+at\s+)(?P<hour>[01]?\d|2[0-3])(?P<tsep>[-_.:h ]?)(?P<minute>[0-5]\d)"
    r"(?:(?P=tsep)|m)(?P<second>[0-5]\d)(?:[-_.]?(?P<milli>\d{3})(?!\d))?(?P<half>\s*[AaPp][Mm])?"
)
_NAME_DAY_TIME: Final = re.compile(rf"(?<!\d){_DAY}{_TIME}(?!\d)")
_NAME_DAY: Final = re.compile(rf"(?<!\d){_DAY}(?!\d)")
_NAME_DAY_FIRST: Final = re.compile(
    r"(?<!\d)(?P<day>0[1-9]|[12]\d|3[01])(?P<sep>[-_.])(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<year>(?:19|20)\d{2})(?!\d)"
)
# Facebook's, WeChat's and many other programs' names: milliseconds since 1970.
_NAME_EPOCH_MS: Final = re.compile(r"(?<!\d)(?P<ms>1\d{12})(?!\d)")
# Google's camera names its files in UTC, unlike all others.
_NAME_IN_UTC: Final = re.compile(r"^PXL_", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A date and time as written, without zone, and the zone where one was written with it.

    `is_utc` marks an instant that some clock kept in UTC, wherever the photo was taken.
    """

    local: datetime
    zone: timezone | None = None
    is_utc: bool = False


def parse_timestamp(text: str | None, subsecond: str | None = None) -> Timestamp | None:
    """Reads EXIF's, XMP's and ISO's ways of writing a moment; None for anything else and for rubbish."""
    match = _TIMESTAMP.match(text) if text else None
    if match is None:
        return None
    fraction = match["fraction"] or (subsecond if subsecond and subsecond.isdigit() else "")
    zone = parse_offset("+00:00" if match["zone"] == "Z" else match["zone"])
    year, month, day, hour, minute, second = (
        int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    microsecond = int(fraction[:6].ljust(6, "0")) if fraction else 0
    local = _moment(year, month, day, hour, minute, second, microsecond)
    return None if local is None else Timestamp(local, zone)


def parse_offset(text: str | None) -> timezone | None:
    """Reads "+02:00", "+0200" or "+02"; None for anything else and for offsets that don't exist."""
    match = _OFFSET.match(text) if text else None
    if match is None:
        return None
    offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-offset if match["sign"] == "-" else offset) if offset <= timedelta(hours=14) else None


def date_in_name(name: str) -> Timestamp | None:
    """The moment that a file's name speaks of; a mere day stands at noon, safe from any zone."""
    stem = PurePath(name).stem
    match = _NAME_DAY_TIME.search(stem)
    if match and (local := _moment_in(match)) is not None:
        return Timestamp(local, is_utc=_NAME_IN_UTC.match(stem) is not None)
    if match := _NAME_EPOCH_MS.search(stem):
        local = datetime(1970, 1, 1) + timedelta(milliseconds=int(match["ms"]))
        return Timestamp(local, is_utc=True) if is_plausible(local) else None
    for pattern in (_NAME_DAY, _NAME_DAY_FIRST):
        if match := pattern.search(stem):
            local = _moment(int(match["year"]), int(match["month"]), int(match["day"]), 12)
            if local is not None:
                return Timestamp(local)
    return None


def _moment_in(match: re.Match[str]) -> datetime | None:
    hour = int(match["hour"])
    half = (match["half"] or "").strip().lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    day = (int(match["year"]), int(match["month"]), int(match["day"]))
    return _moment(*day, hour, int(match["minute"]), int(match["second"]), int(match["milli"] or 0) * 1000)


def _moment(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0
) -> datetime | None:
    try:
        local = datetime(year, month, day, hour, minute, min(second, 59), microsecond)  # leap seconds
    except ValueError:
        return None
    return local if is_plausible(local) else None
