"""EXIF, the maker notes that matter and IPTC, as `Findings`. Tag numbers: EXIF 3.0, IPTC-IIM 4.2."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from photos_engine.ingest.dates import Timestamp, parse_offset, parse_timestamp
from photos_engine.ingest.embedded import Embedded, Tags
from photos_engine.ingest.findings import Findings, as_number, as_point, as_rating, as_rating_from_percent
from photos_engine.ingest.text import MAX_WORD, clean_caption, clean_text, clean_words
from photos_engine.periods import is_plausible
from photos_engine.types import GeoPoint

_APPLE_HEADER: Final = b"Apple iOS\0"
_APPLE_BURST: Final = 0x000B
_APPLE_CONTENT_IDENTIFIER: Final = 0x0011
_ASCII: Final = 2


def read_exif(embedded: Embedded) -> Findings:
    """What a file's EXIF says; never raises."""
    main, photo, gps = embedded.main, embedded.photo, embedded.gps
    apple = _apple_note(photo.get(0x927C))
    rating = as_rating(main.get(0x4746))
    return Findings(
        taken=_moment(photo, 0x9003, 0x9291, 0x9011) or _moment(photo, 0x9004, 0x9292, 0x9012),
        changed=_moment(main, 0x0132, 0x9290, 0x9010),
        gps=_position(gps),
        gps_utc=_satellite_time(gps),
        camera_make=clean_text(main.get(0x010F), MAX_WORD),
        camera_model=clean_text(main.get(0x0110), MAX_WORD),
        lens=clean_text(photo.get(0xA434), MAX_WORD),
        iso=_positive_int(photo.get(0x8827)) or _positive_int(photo.get(0x8833)),
        exposure_s=_positive(photo.get(0x829A), 86_400),
        f_number=_positive(photo.get(0x829D), 1_000),
        focal_length_mm=_positive(photo.get(0x920A), 100_000),
        software=clean_text(main.get(0x0131), MAX_WORD),
        rating=rating if rating is not None else as_rating_from_percent(main.get(0x4749)),
        title=clean_caption(_windows_text(main.get(0x9C9B))),
        caption=clean_caption(main.get(0x010E)) or clean_caption(_windows_text(main.get(0x9C9C))),
        keywords=clean_words((_windows_text(main.get(0x9C9E)) or "").split(";")),
        burst_id=apple.get(_APPLE_BURST),
        content_identifier=apple.get(_APPLE_CONTENT_IDENTIFIER),
    )


def read_iptc(fields: Mapping[tuple[int, int], tuple[bytes, ...]]) -> Findings:
    """What a file's IPTC says; never raises."""

    def first(number: int) -> str | None:
        values = fields.get((2, number))
        return clean_text(values[0]) if values else None

    day, time = first(55) or "", (first(60) or "").replace(":", "")
    taken = None
    if len(day) == 8 and day.isdigit():
        clock = (
            f" {time[:2]}:{time[2:4]}:{time[4:6]}{time[6:]}" if time[:6].isdigit() and len(time) >= 6 else " 12:00:00"
        )
        taken = parse_timestamp(f"{day[:4]}-{day[4:6]}-{day[6:]}{clock}")
    return Findings(
        taken=taken,
        title=clean_caption(first(5)),
        caption=clean_caption(first(120)),
        keywords=clean_words(fields.get((2, 25), ())),
    )


def _moment(tags: Tags, tag: int, subsecond_tag: int, offset_tag: int) -> Timestamp | None:
    moment = parse_timestamp(clean_text(tags.get(tag), 40), clean_text(tags.get(subsecond_tag), 9))
    if moment is None:
        return None
    zone = parse_offset(clean_text(tags.get(offset_tag), 10)) or parse_offset(clean_text(tags.get(0x9010), 10))
    return Timestamp(moment.local, moment.zone or zone)


def _position(gps: Tags) -> GeoPoint | None:
    latitude = _degrees(gps.get(2), gps.get(1), "NS")
    longitude = _degrees(gps.get(4), gps.get(3), "EW")
    altitude = as_number(gps.get(6))
    if altitude is not None and gps.get(5) in (1, b"\x01"):
        altitude = -altitude
    return as_point(latitude, longitude, altitude)


def _degrees(value: Any, reference: Any, letters: str) -> float | None:
    """Signed degrees; without its letter the half of the Earth is unknown, and so is the position."""
    parts = [as_number(part) for part in value] if isinstance(value, tuple | list) else [as_number(value)]
    letter = (clean_text(reference, 10) or "?")[0].upper()
    if not parts or parts[0] is None or letter not in letters:
        return None
    degrees = sum((part or 0.0) / 60.0**power for power, part in enumerate(parts[:3]))
    return -degrees if letter == letters[1] else degrees


def _satellite_time(gps: Tags) -> datetime | None:
    day = parse_timestamp((clean_text(gps.get(29), 20) or "").replace("-", ":"))
    clock = gps.get(7)
    if day is None or not isinstance(clock, tuple | list) or len(clock) != 3:
        return None
    parts = [as_number(part) for part in clock]
    seconds = sum((part or 0.0) * unit for part, unit in zip(parts, (3600, 60, 1), strict=True))
    if None in parts or not 0 <= seconds <= 86_400:
        return None
    moment = day.local.replace(hour=0, minute=0, second=0) + timedelta(seconds=round(seconds, 3))
    return moment if is_plausible(moment) else None


def _positive(value: Any, most: float) -> float | None:
    number = as_number(value)
    return number if number is not None and 0 < number <= most else None


def _positive_int(value: Any) -> int | None:
    number = _positive(value, 10_000_000)
    return round(number) if number else None


def _windows_text(value: Any) -> str | None:
    """Windows' own EXIF fields are UTF-16 in bytes."""
    if isinstance(value, tuple | list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        value = bytes(value)
    return value.decode("utf-16-le", "replace").partition("\0")[0] if isinstance(value, bytes) else None


def _apple_note(note: Any) -> dict[int, str]:
    """The strings of Apple's maker note: a big-endian TIFF directory behind a header of 14 bytes."""
    if not isinstance(note, bytes) or not note.startswith(_APPLE_HEADER) or note[12:14] != b"MM":
        return {}
    strings = {}
    entries = note[16 : 16 + 12 * int.from_bytes(note[14:16], "big")]
    for tag, kind, length, offset in struct.iter_unpack(">HHII", entries[: len(entries) // 12 * 12]):
        text = clean_text(note[offset : offset + min(length, MAX_WORD)], MAX_WORD) if kind == _ASCII else None
        if text and length > 4:
            strings[tag] = text
    return strings
