"""XMP, embedded or as a sidecar, as `Findings`: dates, places, ratings, words and named faces.

Reads the dialects of Lightroom, digiKam, darktable, Picasa, Windows and Google. Namespaces: Adobe XMP
specification part 2, MWG guidelines 2.0 (face regions), Microsoft's people tagging schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from photos_engine.ingest.dates import Timestamp, parse_timestamp
from photos_engine.ingest.findings import (
    NOTHING,
    Findings,
    as_number,
    as_point,
    as_rating,
    as_rating_from_percent,
    clipped_box,
    upright_box,
)
from photos_engine.ingest.text import MAX_WORD, clean_caption, clean_text, clean_words
from photos_engine.types import Box, GeoPoint, PersonRegion

_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_XMP: Final = "{http://ns.adobe.com/xap/1.0/}"
_PHOTOSHOP: Final = "{http://ns.adobe.com/photoshop/1.0/}"
_EXIF: Final = "{http://ns.adobe.com/exif/1.0/}"
_EXIF_EX: Final = "{http://cipa.jp/exif/1.0/}"
_AUX: Final = "{http://ns.adobe.com/exif/1.0/aux/}"
_TIFF: Final = "{http://ns.adobe.com/tiff/1.0/}"
_LIGHTROOM: Final = "{http://ns.adobe.com/lightroom/1.0/}"
_DIGIKAM: Final = "{http://www.digikam.org/ns/1.0/}"
_MS_PHOTO: Final = "{http://ns.microsoft.com/photo/1.0/}"
_MS_PEOPLE: Final = "{http://ns.microsoft.com/photo/1.2/}"
_MS_REGION_INFO: Final = "{http://ns.microsoft.com/photo/1.2/t/RegionInfo#}"
_MS_REGION: Final = "{http://ns.microsoft.com/photo/1.2/t/Region#}"
_MWG: Final = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_AREA: Final = "{http://ns.adobe.com/xmp/sType/Area#}"
_IPTC_EXT: Final = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_GOOGLE_CAMERA: Final = "{http://ns.google.com/photos/1.0/camera/}"

_FACE_REGIONS: Final = frozenset({None, "", "Face"})
_PET_REGIONS: Final = frozenset({"Pet"})
PETS: Final = "Pets"
"""What the names of pets are filed under."""

MAX_PACKET_BYTES: Final = 16 * 2**20
_MAX_PEOPLE: Final = 64
# Where a keyword's path is cut: Lightroom writes "Places|France", digiKam "Places/France".
_PATH: Final = re.compile(r"\s*[|/]\s*")
_GPS: Final = re.compile(r"^\s*(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?\s*([NSEW])\s*$", re.IGNORECASE)

OWN_TOOLKIT: Final = "photos-engine"
"""What the engine's own sidecars call their maker (`x:xmptk`): their tags are no person's words."""
_OWN: Final = f'x:xmptk="{OWN_TOOLKIT}"'.encode()


def read_xmp(packet: bytes, orientation: int = 1) -> Findings:
    """What an XMP packet says; nothing for rubbish. Never raises.

    Boxes in it are those of the stored picture; `orientation` is the EXIF one that turns it upright.
    """
    if len(packet) > MAX_PACKET_BYTES or _OWN in packet[:200]:
        return NOTHING
    try:
        root = fromstring(packet.strip(b"\0 \t\r\n"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return NOTHING
    found = _Packet(root)
    text = found.text
    rating = as_rating(text(_XMP, "Rating"))
    return Findings(
        taken=_date(found),
        gps=_position(found),
        gps_utc=_satellite_time(found),
        camera_make=clean_text(text(_TIFF, "Make"), MAX_WORD),
        camera_model=clean_text(text(_TIFF, "Model"), MAX_WORD),
        lens=clean_text(text(_EXIF_EX, "LensModel") or text(_AUX, "Lens"), MAX_WORD),
        rating=rating if rating is not None else as_rating_from_percent(text(_MS_PHOTO, "Rating")),
        title=clean_caption(text(_DC, "title") or text(_PHOTOSHOP, "Headline")),
        caption=clean_caption(text(_DC, "description")),
        keywords=_keywords(found),
        people=_people(found, orientation),
        burst_id=clean_text(text(_GOOGLE_CAMERA, "BurstID"), MAX_WORD),
    )


class _Packet:
    """The properties of all `rdf:Description`s, whether written as attributes or as elements."""

    def __init__(self, root: Element) -> None:
        self._texts: dict[str, str] = {}
        self._elements: dict[str, Element] = {}
        rdf = root if root.tag == f"{_RDF}RDF" else root.find(f".//{_RDF}RDF")
        for description in [] if rdf is None else rdf.findall(f"{_RDF}Description"):
            for name, value in description.attrib.items():
                self._texts.setdefault(name, value)
            for child in description:
                self._elements.setdefault(child.tag, child)

    def text(self, namespace: str, name: str) -> str | None:
        """A simple property, or the first item of a list or of alternatives in several languages."""
        if (simple := self._texts.get(namespace + name)) is not None:
            return simple
        return next((text for text in self.texts(namespace, name) if text.strip()), None)

    def texts(self, namespace: str, name: str) -> list[str]:
        """The items of a list, or the one simple value."""
        element = self._elements.get(namespace + name)
        if element is None:
            simple = self._texts.get(namespace + name)
            return [] if simple is None else [simple]
        items = list(element.iter(f"{_RDF}li"))
        return [item.text or "" for item in items] if items else [element.text or ""]

    def element(self, namespace: str, name: str) -> Element | None:
        return self._elements.get(namespace + name)


def _date(packet: _Packet) -> Timestamp | None:
    names = (
        (_EXIF, "DateTimeOriginal"),
        (_PHOTOSHOP, "DateCreated"),
        (_EXIF, "DateTimeDigitized"),
        (_XMP, "CreateDate"),
    )
    dates = [parse_timestamp(packet.text(*name)) for name in names]
    best = next((date for date in dates if date is not None), None)
    if best is None or best.zone is not None:
        return best
    # The same moment is often written twice, once with its zone.
    zone = next((date.zone for date in dates if date and date.zone and _same_second(date, best)), None)
    return Timestamp(best.local, zone)


def _satellite_time(packet: _Packet) -> datetime | None:
    stamp = parse_timestamp(packet.text(_EXIF, "GPSTimeStamp"))
    return None if stamp is None else stamp.local - (stamp.zone or UTC).utcoffset(None)


def _same_second(one: Timestamp, other: Timestamp) -> bool:
    return one.local.replace(microsecond=0) == other.local.replace(microsecond=0)


def _position(packet: _Packet) -> GeoPoint | None:
    latitude = _degrees(packet.text(_EXIF, "GPSLatitude"), packet.text(_EXIF, "GPSLatitudeRef"))
    longitude = _degrees(packet.text(_EXIF, "GPSLongitude"), packet.text(_EXIF, "GPSLongitudeRef"))
    altitude = as_number(packet.text(_EXIF, "GPSAltitude"))
    if altitude is not None and packet.text(_EXIF, "GPSAltitudeRef") == "1":
        altitude = -altitude
    return as_point(latitude, longitude, altitude)


def _degrees(text: str | None, reference: str | None) -> float | None:
    """Signed degrees of "48,51.5N", "48,51,30N" or a decimal number."""
    if match := _GPS.match(text or ""):
        degrees = float(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
        letter = match[4].upper()
    else:
        number = as_number(text)
        if number is None:
            return None
        degrees, letter = number, (reference or "").strip()[:1].upper()
    return -degrees if letter in ("S", "W") else degrees


def _keywords(packet: _Packet) -> tuple[str, ...]:
    """Plain keywords first, then the hierarchical ones as paths ("Places/France/Lyon") and their leaves.

    A region that is named as a pet counts as the keyword that others file it under.
    """
    pets = [name for name, _ in _mwg_regions(packet.element(_MWG, "Regions"), _PET_REGIONS)]
    hierarchical = [
        *packet.texts(_LIGHTROOM, "hierarchicalSubject"),
        *packet.texts(_DIGIKAM, "TagsList"),
        *packet.texts(_MS_PHOTO, "LastKeywordXMP"),
    ]
    paths = [[part for part in _PATH.split(text) if part] for text in hierarchical]
    return clean_words(
        [
            *packet.texts(_DC, "subject"),
            *pets,
            *(path[-1] for path in paths if path),
            *("/".join(path) for path in paths if len(path) > 1),
            *(f"{PETS}/{name}" for name in pets),
        ]
    )


def _people(packet: _Packet, orientation: int) -> tuple[PersonRegion, ...]:
    """Named faces, then people named without one; each name once."""
    regions = packet.element(_MWG, "Regions")
    microsoft = packet.element(_MS_PEOPLE, "RegionInfo")
    named: dict[str, PersonRegion] = {}
    found = [
        *_mwg_regions(regions, _FACE_REGIONS),
        *_microsoft_faces(microsoft),
        *((name, None) for name in packet.texts(_IPTC_EXT, "PersonInImage")),
    ]
    for text, box in found:
        name = clean_text(text, MAX_WORD)
        if name and len(named) < _MAX_PEOPLE:
            upright = None if box is None else upright_box(box, orientation)
            before = named.get(name.casefold())
            if before is None or (before.box is None and upright is not None):
                named[name.casefold()] = PersonRegion(name, upright)
    return tuple(named.values())


def _mwg_regions(regions: Element | None, kinds: frozenset[str | None]) -> Iterator[tuple[str, Box | None]]:
    for region in [] if regions is None else regions.iter(f"{_RDF}li"):
        kind = _field(region, f"{_MWG}Type")
        name = _field(region, f"{_MWG}Name")
        if name and kind in kinds:
            area = _struct(region, f"{_MWG}Area")
            yield name, None if area is None else _mwg_box(area)


def _mwg_box(area: Element) -> Box | None:
    numbers = [as_number(_field(area, f"{_AREA}{name}")) for name in ("x", "y", "w", "h")]
    x, y, width, height = numbers
    if x is None or y is None or width is None or height is None or _field(area, f"{_AREA}unit") == "pixel":
        return None
    return clipped_box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _microsoft_faces(info: Element | None) -> Iterator[tuple[str, Box | None]]:
    regions = None if info is None else _struct(info, f"{_MS_REGION_INFO}Regions", descend=True)
    for region in [] if regions is None else regions.iter(f"{_RDF}li"):
        name = _field(region, f"{_MS_REGION}PersonDisplayName")
        if name:
            numbers = [as_number(part) for part in (_field(region, f"{_MS_REGION}Rectangle") or "").split(",")]
            left, top, width, height = (*numbers, None, None, None, None)[:4]
            if left is None or top is None or width is None or height is None:
                yield name, None
            else:
                yield name, clipped_box(left, top, left + width, top + height)


def _field(parent: Element, name: str) -> str | None:
    """A simple field of a structure: an attribute or element of it or of the Description inside it."""
    for holder in (parent, *parent.findall(f"{_RDF}Description")):
        if (value := holder.get(name)) is not None:
            return value
        if (element := holder.find(name)) is not None:
            return element.text
    return None


def _struct(parent: Element, name: str, *, descend: bool = False) -> Element | None:
    for holder in (parent, *parent.findall(f"{_RDF}Description")):
        if (element := holder.find(name)) is not None:
            return element
    return parent.find(f".//{name}") if descend else None
