"""The metadata blocks inside a file, dug out of each container; what they mean is `metadata`'s matter.

Foreign parsers fail in every imaginable way on broken blocks. A block that can't be read is absent here:
it never costs the photo.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image, ImageFile, IptcImagePlugin, TiffImagePlugin

logger = logging.getLogger(__name__)

_PHOTO_IFD: Final = 0x8769
_GPS_IFD: Final = 0x8825
_XMP_TAG: Final = 700
_XMP_PACKET: Final = (b"<x:xmpmeta", b"</x:xmpmeta>")
_SAMSUNG_MOTION: Final = b"MotionPhoto_Data"
_MOTION_FLAGS: Final = (b"MotionPhoto", b"MicroVideo")
# A HEIF file starts with an `ftyp` box of its own; the video's is the second.
_OWN_FTYP: Final = 16

Tags = Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Embedded:
    """The raw metadata of one file: EXIF by directory and tag, the XMP packet, IPTC by record and field."""

    main: Tags = field(default_factory=dict)
    photo: Tags = field(default_factory=dict)
    gps: Tags = field(default_factory=dict)
    xmp: bytes | None = None
    iptc: Mapping[tuple[int, int], tuple[bytes, ...]] = field(default_factory=dict)
    has_video: bool = False


def embedded_in_image(image: ImageFile.ImageFile, data: bytes) -> Embedded:
    """From a picture that Pillow opened; `data` is the file that it came from."""
    main, photo, gps = _exif_of(image)
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or main.get(_XMP_TAG)
    packet = xmp.encode() if isinstance(xmp, str) else xmp if isinstance(xmp, bytes) else None
    return Embedded(main, photo, gps, packet, _iptc_of(image), _has_video(data, packet))


def embedded_in_heif(info: Mapping[str, Any], data: bytes) -> Embedded:
    """From what libheif says of a picture."""
    exif = info.get("exif")
    main, photo, gps = _parse_exif(exif) if isinstance(exif, bytes) else ({}, {}, {})
    xmp = info.get("xmp")
    packet = xmp if isinstance(xmp, bytes) else None
    return Embedded(main, photo, gps, packet, {}, _has_video(data, packet))


def embedded_in_raw(preview: Image.Image, data: bytes) -> Embedded:
    """From a RAW file: its own TIFF directories, else its preview's EXIF, else whatever ExifRead finds."""
    found: tuple[Tags, Tags, Tags] = ({}, {}, {})
    if data[:4] in (b"II*\0", b"MM\0*"):
        found = _parse_exif(b"Exif\0\0" + data)
    if not found[1]:
        found = _exif_of(preview)
    if not found[1]:
        found = _exif_by_exifread(data)
    xmp = found[0].get(_XMP_TAG)
    return Embedded(*found, xmp if isinstance(xmp, bytes) else _find_xmp(data))


def _exif_of(image: Image.Image) -> tuple[Tags, Tags, Tags]:
    try:
        return _directories(image.getexif())
    except Exception as error:  # any error of the foreign parser: the block is absent
        logger.debug("EXIF can't be read: %s", error)
        return {}, {}, {}


def _parse_exif(block: bytes) -> tuple[Tags, Tags, Tags]:
    exif = Image.Exif()
    try:
        exif.load(block)
        return _directories(exif)
    except Exception as error:  # as above
        logger.debug("EXIF can't be read: %s", error)
        return {}, {}, {}


def _directories(exif: Image.Exif) -> tuple[Tags, Tags, Tags]:
    return _readable(exif), _readable(exif.get_ifd(_PHOTO_IFD)), _readable(exif.get_ifd(_GPS_IFD))


def _readable(directory: Mapping[int, Any]) -> dict[int, Any]:
    """The entries that can be read: Pillow parses each when it is asked for."""
    found = {}
    for tag in list(directory):
        try:
            found[tag] = directory[tag]
        except Exception as error:  # one broken entry: the others still count
            logger.debug("EXIF tag %#x can't be read: %s", tag, error)
    return found


def _exif_by_exifread(data: bytes) -> tuple[Tags, Tags, Tags]:
    import exifread  # only for containers that Pillow doesn't know

    try:
        tags = exifread.process_file(io.BytesIO(data), details=False)
    except Exception as error:  # as above
        logger.debug("ExifRead fails: %s", error)
        return {}, {}, {}
    groups: dict[str, dict[int, Any]] = {"Image": {}, "EXIF": {}, "GPS": {}}
    for name, tag in tags.items():
        group = groups.get(name.partition(" ")[0])
        if group is not None and hasattr(tag, "tag"):
            values = tag.values
            group[tag.tag] = values[0] if isinstance(values, list) and len(values) == 1 else values
    return groups["Image"], groups["EXIF"], groups["GPS"]


def _iptc_of(image: ImageFile.ImageFile) -> dict[tuple[int, int], tuple[bytes, ...]]:
    if "photoshop" not in image.info and not isinstance(image, TiffImagePlugin.TiffImageFile):
        return {}
    try:
        fields = IptcImagePlugin.getiptcinfo(image) or {}
    except Exception as error:  # as above
        logger.debug("IPTC can't be read: %s", error)
        return {}
    return {
        key: tuple(value) if isinstance(value, list) else (value,)
        for key, value in fields.items()
        if isinstance(value, bytes | list)
    }


def _find_xmp(data: bytes) -> bytes | None:
    start = data.find(_XMP_PACKET[0])
    end = data.find(_XMP_PACKET[1], start)
    return data[start : end + len(_XMP_PACKET[1])] if 0 <= start < end else None


def _has_video(data: bytes, xmp: bytes | None) -> bool:
    """Whether a video hangs on the picture (motion photos), and not only the promise of one."""
    is_promised = xmp is not None and any(flag in xmp for flag in _MOTION_FLAGS)
    if not is_promised and b"samsung" not in data[:4096].lower():
        return False
    marker = data.rfind(_SAMSUNG_MOTION) if not is_promised else 0
    return marker >= 0 and data.find(b"ftyp", marker + _OWN_FTYP) > 0
