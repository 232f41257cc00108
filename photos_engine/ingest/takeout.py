"""Google Takeout's JSON beside each photo: what Google Photos knew of it, and people told it there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from photos_engine.ingest.dates import Timestamp
from photos_engine.ingest.findings import NOTHING, Findings, as_number, as_point
from photos_engine.ingest.text import clean_caption, clean_words
from photos_engine.periods import is_plausible
from photos_engine.types import GeoPoint, PersonRegion

_FAVOURITE_STARS = 5


def read_takeout(content: bytes) -> Findings:
    """What a Takeout file says; nothing for any other JSON or for rubbish. Never raises."""
    try:
        entry = json.loads(content)
    except (ValueError, RecursionError):
        return NOTHING
    if not isinstance(entry, dict) or not isinstance(entry.get("photoTakenTime"), dict):
        return NOTHING
    people = entry.get("people")
    names = [person.get("name") for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    return Findings(
        taken=_moment(entry["photoTakenTime"].get("timestamp")),
        gps=_position(entry.get("geoData")) or _position(entry.get("geoDataExif")),
        rating=_FAVOURITE_STARS if entry.get("favorited") is True else None,
        caption=clean_caption(entry.get("description")),
        people=tuple(PersonRegion(name) for name in clean_words(names, most=64)),
    )


def _moment(seconds: Any) -> Timestamp | None:
    number = as_number(seconds)
    if number is None or abs(number) > 1e11:
        return None
    try:
        local = datetime(1970, 1, 1) + timedelta(seconds=number)
    except OverflowError:
        return None
    return Timestamp(local, is_utc=True) if is_plausible(local) else None


def _position(value: Any) -> GeoPoint | None:
    if not isinstance(value, dict):
        return None
    altitude = as_number(value.get("altitude"))  # 0 where it isn't known
    return as_point(as_number(value.get("latitude")), as_number(value.get("longitude")), altitude or None)
