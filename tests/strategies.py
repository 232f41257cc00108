"""Hypothesis strategies, and the small pictures with known facts that they and the tests are built on."""

from __future__ import annotations

import io
import struct
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from photos_engine.types import CaptureFacts, DateSource, DecodedPhoto, GeoPoint, PersonRegion, ZoneSource

ORIENTATIONS = range(1, 9)

# Midnights at which the clocks of cameras begin say that nobody set them.
moments = st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2024, 12, 31)).filter(
    lambda moment: moment.replace(microsecond=0) not in {datetime(year, 1, 1) for year in (1904, 1970, 1980)}
)
fixed_zones = st.integers(-48, 56).map(lambda quarters: timedelta(minutes=15 * quarters))
latitudes = st.floats(-90, 90).filter(lambda value: abs(value) > 0.001)
longitudes = st.floats(-180, 180).filter(lambda value: abs(value) > 0.001)
points = st.builds(GeoPoint, latitudes, longitudes, st.none() | st.floats(-400, 9000))
names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Normalised boxes with an area."""
    left, right = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True)))
    return left, top, right, bottom


@st.composite
def capture_facts(draw: st.DrawFn) -> CaptureFacts:
    """Any facts that a photo can have."""
    zone = draw(st.timezones()) if draw(st.booleans()) else None
    taken = draw(moments).replace(tzinfo=zone) if zone else draw(moments).astimezone()
    offset = taken.utcoffset() or timedelta()
    texts = st.none() | names
    numbers = st.none() | st.floats(1e-6, 1e6)
    return CaptureFacts(
        taken=taken.replace(tzinfo=timezone(offset)),
        date_source=draw(st.sampled_from(DateSource)),
        zone_source=draw(st.sampled_from(ZoneSource)),
        gps=draw(st.none() | points),
        camera_make=draw(texts),
        lens=draw(texts),
        iso=draw(st.none() | st.integers(1, 10**6)),
        exposure_s=draw(numbers),
        rating=draw(st.none() | st.integers(-1, 5)),
        title=draw(texts),
        keywords=tuple(draw(st.lists(names, max_size=4))),
        people=tuple(draw(st.lists(st.builds(PersonRegion, names, st.none() | boxes()), max_size=3))),
        burst_id=draw(texts),
        has_embedded_video=draw(st.booleans()),
    )


@st.composite
def decoded_photos(draw: st.DrawFn) -> DecodedPhoto:
    """Any photo as decoding returns it, small."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    pixels = np.frombuffer(draw(st.binary(min_size=height * width * 3, max_size=height * width * 3)), np.uint8)
    return DecodedPhoto(
        content_hash=draw(st.binary(min_size=16, max_size=16)).hex(),
        size_bytes=draw(st.integers(1, 2**40)),
        format=draw(st.sampled_from(["JPEG", "PNG", "HEIF"])),
        width_px=width,
        height_px=height,
        facts=draw(capture_facts()),
        pixels=pixels.reshape(height, width, 3),
        thumbnail=draw(st.binary(max_size=50)),
    )


def quadrants(width: int = 320, height: int = 240, mode: str = "RGB") -> Image.Image:
    """A picture whose corners tell how it is turned: red, green / blue, white from the top left."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = (255, 255, 255)
    return Image.fromarray(pixels).convert(mode)


def textured(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture that compresses like a photograph."""
    fields = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(fields).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The picture's file, as bytes."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def exif_block(
    main: dict[int, Any] | None = None, photo: dict[int, Any] | None = None, gps: dict[int, Any] | None = None
) -> Image.Exif:
    """An EXIF block with the given tags."""
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(0x8769).update(photo or {})
    exif.get_ifd(0x8825).update(gps or {})
    return exif


def gps_tags(point: GeoPoint) -> dict[int, Any]:
    """A position as EXIF writes it: degrees, minutes, seconds, each a rational."""

    def triple(value: float) -> tuple[TiffImagePlugin.IFDRational, ...]:
        micro = round(abs(value) * 3600 * 1000)
        parts = (Fraction(micro // 3_600_000), Fraction(micro // 60_000 % 60), Fraction(micro % 60_000, 1000))
        return tuple(TiffImagePlugin.IFDRational(part.numerator, part.denominator) for part in parts)

    tags: dict[int, Any] = {
        1: "S" if point.latitude < 0 else "N",
        2: triple(point.latitude),
        3: "W" if point.longitude < 0 else "E",
        4: triple(point.longitude),
    }
    if point.altitude_m is not None:
        tags[5] = b"\x01" if point.altitude_m < 0 else b"\x00"
        tags[6] = TiffImagePlugin.IFDRational(round(abs(point.altitude_m) * 100), 100)
    return tags


def xmp_packet(attributes: str = "", elements: str = "") -> bytes:
    """An XMP packet with the usual namespaces declared."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/"
 xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/" xmlns:MP="http://ns.microsoft.com/photo/1.2/"
 xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def dng(width: int = 640, height: int = 480, orientation: int = 1) -> bytes:
    """A minimal raw file: one bright half, one dark, behind a Bayer filter, without a preview."""
    sensor = np.full((height, width), 500, np.uint16)
    sensor[: height // 2] = 60_000
    matrix = struct.pack("<18i", *(part for value in (1, 0, 0, 0, 1, 0, 0, 0, 1) for part in (value, 1)))
    entries: list[tuple[int, int, int, bytes]] = [
        (254, 4, 1, struct.pack("<I", 0)),
        (256, 4, 1, struct.pack("<I", width)),
        (257, 4, 1, struct.pack("<I", height)),
        (258, 3, 1, struct.pack("<H", 16)),
        (259, 3, 1, struct.pack("<H", 1)),
        (262, 3, 1, struct.pack("<H", 32803)),
        (271, 2, 6, b"Maker\0"),
        (272, 2, 6, b"Model\0"),
        (273, 4, 1, struct.pack("<I", 1024)),
        (274, 3, 1, struct.pack("<H", orientation)),
        (277, 3, 1, struct.pack("<H", 1)),
        (278, 4, 1, struct.pack("<I", height)),
        (279, 4, 1, struct.pack("<I", sensor.nbytes)),
        (33421, 3, 2, struct.pack("<HH", 2, 2)),
        (33422, 1, 4, bytes((0, 1, 1, 2))),
        (50706, 1, 4, bytes((1, 4, 0, 0))),
        (50721, 10, 9, matrix),
        (50778, 3, 1, struct.pack("<H", 21)),
    ]
    directory, heap = struct.pack("<H", len(entries)), b""
    start = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        held = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", start + len(heap))
        heap += b"" if len(value) <= 4 else value
        directory += struct.pack("<HHI", tag, kind, count) + held
    return (b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + heap).ljust(1024, b"\0") + sensor.tobytes()
