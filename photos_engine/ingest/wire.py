"""What goes over the pipe between the engine and a decoding process: length-prefixed JSON and raw bytes.

No pickle: the process on the other end handles hostile bytes, and what it sends back is checked here,
field by field, so that owning it is not owning the engine.

    frame = header length (4 bytes, big-endian) + header (JSON object) + payloads
    header["payloads"] = their lengths
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta, timezone, tzinfo
from typing import IO, Any, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from photos_engine import errors
from photos_engine.ingest.pixels import WORKING_LONGER_PX
from photos_engine.types import Box, CaptureFacts, DateSource, DecodedPhoto, GeoPoint, PersonRegion, ZoneSource

TOO_MUCH_MEMORY: Final = 77  # how a decoding process ends itself that nobody else limits
_LENGTH: Final = struct.Struct(">I")
_MAX_HEADER: Final = 4 * 2**20
_MAX_PAYLOAD: Final = 3 * WORKING_LONGER_PX * WORKING_LONGER_PX
_ERRORS: Final = {
    kind.code: kind for kind in (errors.UnsupportedFormat, errors.DecodeError, errors.ImageTooLarge, errors.Unreadable)
}

Header = dict[str, Any]
T = TypeVar("T")


class WireError(Exception):
    """The other end is gone, or what it sends is none of this protocol."""


def write_frame(pipe: IO[bytes], header: Mapping[str, Any], payloads: Sequence[bytes | memoryview] = ()) -> None:
    """Sends one frame. Raises: OSError when the other end is gone."""
    text = json.dumps({**header, "payloads": [len(payload) for payload in payloads]}).encode("ascii")
    _write_all(pipe, _LENGTH.pack(len(text)) + text)
    for payload in payloads:
        _write_all(pipe, payload)
    pipe.flush()


def _write_all(pipe: IO[bytes], data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) :]


def read_frame(pipe: IO[bytes]) -> tuple[Header, list[bytearray]]:
    """Receives one frame. Raises: WireError, also at the pipe's end."""
    (length,) = _LENGTH.unpack(_read_exactly(pipe, _LENGTH.size))
    if length > _MAX_HEADER:
        raise WireError("a header is too long")
    try:
        header = json.loads(_read_exactly(pipe, length))
    except (ValueError, RecursionError) as error:
        raise WireError("a header is no JSON") from error
    sizes = header.get("payloads") if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(type(size) is int and 0 <= size <= _MAX_PAYLOAD for size in sizes[:3]):
        raise WireError("a header's payloads make no sense")
    return header, [_read_exactly(pipe, size) for size in sizes[:2]]


def _read_exactly(pipe: IO[bytes], size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        count = pipe.readinto(view)  # type: ignore[attr-defined]  # IO lacks what every binary file has
        if not count:
            raise WireError("the other end is gone")
        view = view[count:]
    return buffer


def photo_to_frame(photo: DecodedPhoto) -> tuple[Header, list[bytes | memoryview]]:
    """A decoded photo as a header and its payloads: pixels, thumbnail."""
    header = {
        "photo": {
            "content_hash": photo.content_hash,
            "size_bytes": photo.size_bytes,
            "format": photo.format,
            "width_px": photo.width_px,
            "height_px": photo.height_px,
            "facts": _facts_to_json(photo.facts),
        },
        "shape": list(photo.pixels.shape),
    }
    return header, [photo.pixels.reshape(-1).data, photo.thumbnail]


def photo_from_frame(header: Header, payloads: list[bytearray]) -> DecodedPhoto:
    """The photo that a frame carries. Raises: WireError for anything but a well-formed one."""
    try:
        height, width, channels = (_int(side) for side in header["shape"])
        if channels != 3 or height < 1 or width < 1 or len(payloads) != 2 or len(payloads[0]) != height * width * 3:
            raise WireError("pixels and shape disagree")
        entry = header["photo"]
        content_hash = _str(entry["content_hash"])
        if len(bytes.fromhex(content_hash)) != 16:
            raise WireError("a content hash has the wrong length")
        return DecodedPhoto(
            content_hash=content_hash,
            size_bytes=_int(entry["size_bytes"]),
            format=_str(entry["format"]),
            width_px=_int(entry["width_px"]),
            height_px=_int(entry["height_px"]),
            facts=_facts_from_json(entry["facts"]),
            pixels=np.frombuffer(payloads[0], dtype=np.uint8).reshape(height, width, 3),
            thumbnail=bytes(payloads[1]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WireError(f"a photo is malformed: {error}") from error


def error_to_header(error: errors.PhotoError) -> Header:
    """A photo's failure as a header."""
    return {"error": {"code": error.code, "reason": error.reason}}


def error_from_header(header: Header, path: str) -> errors.PhotoError:
    """The failure that a header carries, for the photo that was asked for. Raises: WireError."""
    entry = header.get("error")
    kind = _ERRORS.get(str(entry.get("code"))) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or kind is None:
        raise WireError("neither a photo nor an error")
    return kind(path, " ".join(str(entry.get("reason"))[:500].split()))


def zone_to_json(zone: tzinfo | None) -> str | float | None:
    """A zone by its IANA name or as a plain offset in seconds. Raises: UsageError for other kinds."""
    if zone is None or (isinstance(zone, ZoneInfo) and zone.key):
        return None if zone is None else zone.key
    offset = zone.utcoffset(None)
    if offset is None:
        raise errors.UsageError(f"a default zone must be a ZoneInfo or a fixed offset, not {zone!r}")
    return offset.total_seconds()


def zone_from_json(value: object) -> tzinfo | None:
    """The zone that `zone_to_json` wrote."""
    if isinstance(value, str):
        return ZoneInfo(value)
    return timezone(timedelta(seconds=value)) if isinstance(value, int | float) else None


def _facts_to_json(facts: CaptureFacts) -> Header:
    entry: Header = {field.name: getattr(facts, field.name) for field in fields(facts)}
    entry["taken"] = facts.taken.isoformat()
    entry["gps"] = facts.gps and [facts.gps.latitude, facts.gps.longitude, facts.gps.altitude_m]
    entry["people"] = [[person.name, person.box] for person in facts.people]
    return entry


def _facts_from_json(entry: Header) -> CaptureFacts:
    taken = datetime.fromisoformat(_str(entry["taken"]))
    if taken.tzinfo is None:
        raise WireError("a date has no zone")
    gps = entry["gps"]
    return CaptureFacts(
        taken=taken,
        date_source=DateSource(entry["date_source"]),
        zone_source=ZoneSource(entry["zone_source"]),
        gps=None if gps is None else GeoPoint(_float(gps[0]), _float(gps[1]), _optional(_float, gps[2])),
        camera_make=_optional(_str, entry["camera_make"]),
        camera_model=_optional(_str, entry["camera_model"]),
        lens=_optional(_str, entry["lens"]),
        iso=_optional(_int, entry["iso"]),
        exposure_s=_optional(_float, entry["exposure_s"]),
        f_number=_optional(_float, entry["f_number"]),
        focal_length_mm=_optional(_float, entry["focal_length_mm"]),
        software=_optional(_str, entry["software"]),
        rating=_optional(_int, entry["rating"]),
        title=_optional(_str, entry["title"]),
        caption=_optional(_str, entry["caption"]),
        keywords=tuple(_str(word) for word in entry["keywords"]),
        people=tuple(PersonRegion(_str(name), _optional(_box, box)) for name, box in entry["people"]),
        burst_id=_optional(_str, entry["burst_id"]),
        content_identifier=_optional(_str, entry["content_identifier"]),
        has_embedded_video=entry["has_embedded_video"] is True,
    )


def _optional(check: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else check(value)


def _box(value: Any) -> Box:
    left, top, right, bottom = (_float(number) for number in value)
    return left, top, right, bottom


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is missing")
    return value


def _int(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a whole number is missing")
    return value


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError("a number is missing")
    return float(value)
