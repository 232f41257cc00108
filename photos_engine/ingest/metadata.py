"""All that a file, its sidecars, its name and its folders say about the taking of a photo, weighed into one.

A person's own words (rating, title, caption, keywords, people) count most where they were written last:
in a sidecar. Facts of the taking count most where the camera wrote them. What can't be read is None.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from photos_engine.ingest.dates import Timestamp, date_in_name
from photos_engine.ingest.embedded import Embedded
from photos_engine.ingest.exif import read_exif, read_iptc
from photos_engine.ingest.findings import NOTHING, Findings
from photos_engine.ingest.takeout import read_takeout
from photos_engine.ingest.xmp import MAX_PACKET_BYTES, read_xmp
from photos_engine.periods import period_in_folders
from photos_engine.types import CaptureFacts, DateSource, GeoPoint, PersonRegion, ZoneSource

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Every offset that some place on Earth has used in the age of digital cameras, in quarter hours.
_REAL_OFFSETS: Final = frozenset(range(-48, 57, 4)) | frozenset((-38, -14, 14, 18, 22, 23, 26, 35, 38, 42, 51, 55))
# A camera takes its position a moment before or after the picture; beyond this the fix is an old one.
_GPS_LAG: Final = timedelta(seconds=150)


@dataclass(frozen=True, slots=True)
class _Sources:
    """What each kind of source said, to be merged."""

    exif: Findings
    xmp: Findings
    iptc: Findings
    sidecar: Findings
    takeout: Findings

    def first(self, field: Callable[[Findings], T | None], *order: Findings) -> T | None:
        return next((value for source in order if (value := field(source)) is not None), None)


def read_metadata(
    embedded: Embedded,
    *,
    path: Path,
    sidecars: Iterable[Path] = (),
    mtime_ns: int,
    orientation: int = 1,
    default_zone: tzinfo | None = None,
) -> CaptureFacts:
    """Weighs everything that is known about a photo's taking. Never raises for what files contain.

    `orientation` is the EXIF one by which the picture is turned upright: face boxes follow it.
    `default_zone` is assumed where nothing tells the zone; None is the machine's.
    """
    sidecar, takeout = _read_sidecars(sidecars, orientation)
    found = _Sources(
        exif=read_exif(embedded),
        xmp=read_xmp(embedded.xmp, orientation) if embedded.xmp else NOTHING,
        iptc=read_iptc(embedded.iptc),
        sidecar=sidecar,
        takeout=takeout,
    )
    told = (found.sidecar, found.xmp, found.iptc, found.exif, found.takeout)
    recorded = (found.exif, found.xmp, found.sidecar)
    gps = found.first(lambda source: source.gps, found.sidecar, found.exif, found.xmp, found.takeout)
    stamp, date_source = _best_date(found, path, mtime_ns)
    taken, zone_source = _in_zone(stamp, found.exif.gps_utc, gps, default_zone)
    return CaptureFacts(
        taken=taken,
        date_source=date_source,
        zone_source=zone_source,
        gps=gps,
        camera_make=found.first(lambda source: source.camera_make, *recorded),
        camera_model=found.first(lambda source: source.camera_model, *recorded),
        lens=found.first(lambda source: source.lens, *recorded),
        iso=found.exif.iso,
        exposure_s=found.exif.exposure_s,
        f_number=found.exif.f_number,
        focal_length_mm=found.exif.focal_length_mm,
        software=found.exif.software,
        rating=_rating(told),
        title=found.first(lambda source: source.title, *told),
        caption=found.first(lambda source: source.caption, *told),
        keywords=next((source.keywords for source in told if source.keywords), ()),
        people=_merged_people(found.sidecar.people or found.xmp.people, found.takeout.people),
        burst_id=found.first(lambda source: source.burst_id, *recorded),
        content_identifier=found.exif.content_identifier,
        has_embedded_video=embedded.has_video,
    )


def _read_sidecars(paths: Iterable[Path], orientation: int) -> tuple[Findings, Findings]:
    """The first XMP and the first Takeout sidecar that say anything."""
    xmp, takeout = NOTHING, NOTHING
    for path in paths:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_PACKET_BYTES)
        except OSError as error:
            logger.debug("a sidecar can't be read: %s", error)
            continue
        if path.suffix.lower() == ".json":
            takeout = takeout if takeout is not NOTHING else read_takeout(content)
        elif xmp is NOTHING or xmp == NOTHING:
            xmp = read_xmp(content, orientation)
    return xmp, takeout


def _rating(told: Sequence[Findings]) -> int | None:
    """The first rating that was given; 0 says "unrated" and only counts where nobody says more."""
    ratings = [source.rating for source in told if source.rating is not None]
    return next((rating for rating in ratings if rating != 0), ratings[0] if ratings else None)


def _merged_people(named: tuple[PersonRegion, ...], others: tuple[PersonRegion, ...]) -> tuple[PersonRegion, ...]:
    known = {person.name.casefold() for person in named}
    return (*named, *(person for person in others if person.name.casefold() not in known))


def _best_date(found: _Sources, path: Path, mtime_ns: int) -> tuple[Timestamp, DateSource]:
    exif, sidecar = found.exif.taken, found.sidecar.taken
    if exif is not None and sidecar is not None and not _is_same_minute(exif, sidecar):
        return sidecar, DateSource.XMP  # somebody put the camera's clock right
    if exif is not None and exif.zone is None:
        echoes = (xmp for xmp in (sidecar, found.xmp.taken) if xmp is not None and _is_same_minute(exif, xmp))
        exif = replace(exif, zone=next((echo.zone for echo in echoes if echo.zone is not None), None))
    recorded = (
        (exif, DateSource.EXIF),
        (_instant(found.exif.gps_utc), DateSource.EXIF),
        (sidecar, DateSource.XMP),
        (found.xmp.taken, DateSource.XMP),
        (_instant(found.xmp.gps_utc), DateSource.XMP),
        (found.iptc.taken, DateSource.IPTC),
        (found.takeout.taken, DateSource.TAKEOUT),
    )
    best = next(((stamp, source) for stamp, source in recorded if stamp is not None), None)
    return best if best is not None else _guessed_date(found.exif.changed, path, mtime_ns)


def _instant(utc: datetime | None) -> Timestamp | None:
    return None if utc is None else Timestamp(utc, is_utc=True)


def _guessed_date(changed: Timestamp | None, path: Path, mtime_ns: int) -> tuple[Timestamp, DateSource]:
    if (named := date_in_name(path.name)) is not None:
        return named, DateSource.FILE_NAME
    file_time = Timestamp(_from_mtime(mtime_ns), is_utc=True)
    if changed is not None and changed.local < file_time.local:
        file_time = changed
    period = period_in_folders(path)
    if period is None:
        return file_time, DateSource.FILE_TIME
    if period.first <= file_time.local < period.end:
        return file_time, DateSource.FOLDER  # the folder bears out the file's own, finer time
    return Timestamp(period.first + timedelta(hours=12)), DateSource.FOLDER


def _from_mtime(mtime_ns: int) -> datetime:
    try:
        return datetime(1970, 1, 1) + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:  # a file system's rubbish
        return datetime(1970, 1, 1)


def _is_same_minute(one: Timestamp, other: Timestamp) -> bool:
    return abs(one.local - other.local) < timedelta(minutes=1)


def _in_zone(
    stamp: Timestamp, gps_utc: datetime | None, gps: GeoPoint | None, default_zone: tzinfo | None
) -> tuple[datetime, ZoneSource]:
    """The moment with its UTC offset, fixed, and how that is known."""
    place = None if gps is None else _zone_at(gps)
    if stamp.zone is not None:
        return stamp.local.replace(tzinfo=stamp.zone), ZoneSource.RECORDED
    if stamp.is_utc:  # the place tells what time it was there
        instant = stamp.local.replace(tzinfo=UTC)
        source = ZoneSource.GPS_PLACE if place is not None else ZoneSource.ASSUMED
        return _fixed(instant.astimezone(place or default_zone)), source
    if gps_utc is not None and (offset := _offset_by_satellite(stamp.local, gps_utc)) is not None:
        return stamp.local.replace(tzinfo=offset), ZoneSource.GPS_TIME
    if place is not None:
        return _fixed(stamp.local.replace(tzinfo=place)), ZoneSource.GPS_PLACE
    local = stamp.local.replace(tzinfo=default_zone) if default_zone is not None else _in_machine_zone(stamp.local)
    return _fixed(local), ZoneSource.ASSUMED


def _in_machine_zone(local: datetime) -> datetime:
    try:
        return local.astimezone()
    except (OverflowError, OSError):  # platforms whose clock doesn't reach that far back
        return local.replace(tzinfo=UTC)


def _fixed(moment: datetime) -> datetime:
    """The same moment with its plain offset: that is what the store keeps."""
    offset = moment.utcoffset() or timedelta()
    return moment.replace(tzinfo=timezone(offset))


def _offset_by_satellite(local: datetime, utc: datetime) -> timezone | None:
    difference = local - utc
    quarters = round(difference / timedelta(minutes=15))
    if quarters not in _REAL_OFFSETS or abs(difference - quarters * timedelta(minutes=15)) > _GPS_LAG:
        return None
    return timezone(quarters * timedelta(minutes=15))


def _zone_at(point: GeoPoint) -> ZoneInfo | None:
    from tzfpy import get_tz  # 15 MB of polygons, for those who have positions

    name = get_tz(point.longitude, point.latitude)
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        logger.debug("the time zone %r is unknown on this machine", name)
        return None
