"""What one source of metadata (EXIF, one XMP packet, IPTC, one Takeout file) says about a photo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from photos_engine.ingest.dates import Timestamp
from photos_engine.types import Box, GeoPoint, PersonRegion


@dataclass(frozen=True, slots=True)
class Findings:
    """Facts as one source states them; None or empty is silence."""

    taken: Timestamp | None = None
    changed: Timestamp | None = None  # the last edit, for want of anything better
    gps: GeoPoint | None = None
    gps_utc: datetime | None = None  # naive, the satellites' time
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    iso: int | None = None
    exposure_s: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None
    software: str | None = None
    rating: int | None = None
    title: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    people: tuple[PersonRegion, ...] = ()
    burst_id: str | None = None
    content_identifier: str | None = None


NOTHING = Findings()


def as_point(latitude: float | None, longitude: float | None, altitude_m: float | None = None) -> GeoPoint | None:
    """A position on the Earth, or None: out of range, not a number, or the (0, 0) of devices without a fix."""
    if latitude is None or longitude is None or not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    if abs(latitude) > 90 or abs(longitude) > 180 or (abs(latitude) < 1e-6 and abs(longitude) < 1e-6):
        return None
    # From below the Dead Sea's floor to above what balloons reach; else the reading is rubbish.
    is_height = altitude_m is not None and math.isfinite(altitude_m) and -1_000 <= altitude_m <= 50_000
    return GeoPoint(latitude, longitude, altitude_m if is_height else None)


def as_number(value: Any) -> float | None:
    """A finite number out of an int, float, rational, decimal string or one-item list; else None."""
    if isinstance(value, tuple | list) and value:
        value = value[0]
    try:
        if isinstance(value, str) and "/" in value:
            upper, _, lower = value.partition("/")
            number = float(upper) / float(lower)
        else:
            number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None


def as_rating(value: Any) -> int | None:
    """Stars, -1 (rejected) to 5; None for anything else."""
    number = as_number(value)
    return round(number) if number is not None and -1 <= number <= 5 else None


def as_rating_from_percent(value: Any) -> int | None:
    """Stars out of Microsoft's percents, where 1, 25, 50, 75, 99 are one to five."""
    number = as_number(value)
    if number is None or not 0 <= number <= 100:
        return None
    return 0 if number == 0 else min(5, 1 + int((number + 12) // 25))


def upright_box(box: Box, orientation: int) -> Box:
    """A box of the stored picture in the coordinates of the picture turned upright."""
    left, top, right, bottom = box
    corners = [_upright_point(left, top, orientation), _upright_point(right, bottom, orientation)]
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _upright_point(x: float, y: float, orientation: int) -> tuple[float, float]:
    if orientation >= 5:  # 5 to 8 swap the axes
        x, y = y, x
    if orientation in (2, 3, 6, 7):
        x = 1 - x
    if orientation in (3, 4, 7, 8):
        y = 1 - y
    return x, y


def clipped_box(left: float, top: float, right: float, bottom: float) -> Box | None:
    """The box within the picture; None where it has no area there."""
    numbers = (left, top, right, bottom)
    if not all(math.isfinite(number) for number in numbers):
        return None
    left, top, right, bottom = (min(1.0, max(0.0, number)) for number in numbers)
    return (left, top, right, bottom) if left < right and top < bottom else None
