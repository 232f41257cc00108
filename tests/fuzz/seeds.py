"""Writes what the fuzzer starts from: `python seeds.py` makes `corpus/*/seed-*`, the same ones each time.

A fuzzer that has never seen a directory of EXIF takes hours to come upon one. So each dialect that the readers know
is there once, as cameras and programs write it, in both byte orders where there are two, and with each odd value that
a reader has a branch for. Inputs in `corpus` of other names are those that once failed or were written by hand.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
EXIF, XMP, IPTC, MPF = b"\0", b"\1", b"\2", b"\3"  # what `targets.read_embedded` takes a block's first byte for
BETWEEN_BLOCKS = b"\n--\n"

# --- EXIF (TIFF 6.0, EXIF 3.0) ---
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED, FLOAT, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 11, 12
_LETTERS = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SIGNED: "i", FLOAT: "f", DOUBLE: "d"}
_NUMBERS_EACH = {RATIONAL: 2, SIGNED: 2}
Value = bytes | Sequence[float]
Directory = Mapping[int, tuple[int, Value]]
EXIF_POINTER, GPS_POINTER = 0x8769, 0x8825

CAMERA: Directory = {
    0x010F: (ASCII, b"Maker\0"),
    0x0110: (ASCII, b"Model 1\0"),
    0x0112: (SHORT, [6]),
    0x0131: (ASCII, b"Firmware 1.0\0"),
    0x0132: (ASCII, b"2023:07:14 12:30:01\0"),
    0x010E: (ASCII, b"At the lake\0"),
    0x4746: (SHORT, [4]),
}
WINDOWS: Directory = {
    0x9C9B: (BYTE, "Title\0".encode("utf-16-le")),
    0x9C9C: (BYTE, "Comment\0".encode("utf-16-le")),
    0x9C9E: (BYTE, "lake;snow\0".encode("utf-16-le")),
    0x4749: (SHORT, [75]),
}
SHOT: Directory = {
    0x9003: (ASCII, b"2023:07:14 12:30:00\0"),
    0x9004: (ASCII, b"2023:07:14 12:30:00\0"),
    0x9291: (ASCII, b"125\0"),
    0x9010: (ASCII, b"+02:00\0"),
    0x9011: (ASCII, b"+02:00\0"),
    0x8827: (SHORT, [200]),
    0x829A: (RATIONAL, [1, 250]),
    0x829D: (RATIONAL, [28, 10]),
    0x920A: (RATIONAL, [50, 1]),
    0xA434: (ASCII, b"Lens 50\0"),
}
SCANNED: Directory = {
    0x9004: (ASCII, b"2019-07-14T12:30:00\0"),
    0x9292: (ASCII, b"5\0"),
    0x9012: (ASCII, b"-0330\0"),
    0x8827: (SHORT, [65535, 100]),
    0x8833: (LONG, [102_400]),
    0x829A: (RATIONAL, [0, 0]),
    0x829D: (FLOAT, [float("nan")]),
    0x920A: (SIGNED, [-50, 1]),
}
UNSET: Directory = {0x9003: (ASCII, b"    :  :     :  :  \0"), 0x9004: (ASCII, b"0000:00:00 00:00:00\0")}
POSITION: Directory = {
    0x01: (ASCII, b"N\0"),
    0x02: (RATIONAL, [38, 1, 43, 1, 1234, 100]),
    0x03: (ASCII, b"W\0"),
    0x04: (RATIONAL, [9, 1, 8, 1, 0, 1]),
    0x05: (BYTE, [1]),
    0x06: (RATIONAL, [120, 10]),
    0x07: (RATIONAL, [10, 1, 30, 1, 5, 2]),
    0x1D: (ASCII, b"2023:07:14\0"),
}
NOWHERE: Directory = {
    0x01: (ASCII, b"S\0"),
    0x02: (DOUBLE, [float("inf")]),
    0x03: (ASCII, b"?\0"),
    0x04: (RATIONAL, [999, 1, 0, 0, 1, 0]),
    0x07: (RATIONAL, [99, 1, 1, 0, 1, 1]),
    0x1D: (ASCII, b"2023-02-30\0"),
}


def directory(order: str, entries: Directory, at: int) -> bytes:
    """A TIFF directory that stands at an offset, with its values behind it."""
    table, heap = struct.pack(f"{order}H", len(entries)), b""
    heap_at = at + 2 + 12 * len(entries) + 4
    for tag, (kind, value) in sorted(entries.items()):
        content = value if isinstance(value, bytes) else struct.pack(f"{order}{len(value)}{_LETTERS[kind]}", *value)
        count = len(value) // _NUMBERS_EACH.get(kind, 1)
        if len(content) > 4:
            place, heap = struct.pack(f"{order}I", heap_at + len(heap)), heap + content + b"\0" * (len(content) % 2)
        else:
            place = content.ljust(4, b"\0")
        table += struct.pack(f"{order}HHI", tag, kind, count) + place
    return table + b"\0\0\0\0" + heap


def exif(order: str, main: Directory, photo: Directory, gps: Directory) -> bytes:
    """A block of EXIF: a header and three directories."""
    pointed = {**main, EXIF_POINTER: (LONG, [0]), GPS_POINTER: (LONG, [0])}
    photo_at = 8 + len(directory(order, pointed, 8))
    gps_at = photo_at + len(directory(order, photo, photo_at))
    pointed |= {EXIF_POINTER: (LONG, [photo_at]), GPS_POINTER: (LONG, [gps_at])}
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return header + directory(order, pointed, 8) + directory(order, photo, photo_at) + directory(order, gps, gps_at)


def apple_note() -> bytes:
    """Apple's maker note: a burst, and the name that ties a picture to its video."""
    note, heap = b"Apple iOS\0\0\1MM" + struct.pack(">H", 2), b""
    for tag, text in ((0x000B, b"BURST-0001\0"), (0x0011, b"CONTENT-0001\0")):
        note, heap = note + struct.pack(">HHII", tag, ASCII, len(text), 40 + len(heap)), heap + text
    return note + heap


def exifs() -> Iterator[bytes]:
    """Blocks of EXIF in both byte orders."""
    apple = {**SHOT, 0x927C: (UNDEFINED, apple_note())}
    samsung = {**CAMERA, 0x010F: (ASCII, b"samsung\0")}
    for order in "<>":
        yield exif(order, CAMERA, SHOT, POSITION)
        yield exif(order, {**CAMERA, **WINDOWS}, apple, NOWHERE)
        yield exif(order, samsung, SCANNED, POSITION)
        yield exif(order, {0x010E: (ASCII, b"OLYMPUS DIGITAL CAMERA \0")}, UNSET, {})


# --- XMP (Adobe's specification, MWG, Microsoft) ---
NAMESPACES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
}


def listed(kind: str, name: str, *items: str) -> str:
    """A list of values; `kind`: Bag, Seq or Alt."""
    language = ' xml:lang="x-default"' if kind == "Alt" else ""
    inside = "".join(f"<rdf:li{language}>{item}</rdf:li>" for item in items)
    return f"<{name}><rdf:{kind}>{inside}</rdf:{kind}></{name}>"


def packet(attributes: str = "", elements: str = "") -> bytes:
    """An XMP packet that declares the namespaces that it uses."""
    used = (f'xmlns:{p}="{uri}"' for p, uri in NAMESPACES.items() if f"{p}:" in attributes + elements)
    head = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    inside = f'<rdf:Description rdf:about="" {" ".join(used)} {attributes}>{elements}</rdf:Description>'
    return f"{head}{inside}</rdf:RDF></x:xmpmeta>".encode()


RESOURCE = 'rdf:parseType="Resource"'
MWG_FACES = (
    f"<mwg-rs:Regions {RESOURCE}><mwg-rs:RegionList><rdf:Bag><rdf:li>"
    '<rdf:Description mwg-rs:Name="Anna" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.5" stArea:y="0.4" stArea:w="0.2"'
    ' stArea:h="0.3" stArea:unit="normalized"/></rdf:Description></rdf:li>'
    f'<rdf:li {RESOURCE}><mwg-rs:Name>Ben</mwg-rs:Name><mwg-rs:Area stArea:x="9" stArea:y="nan" stArea:w="-1"'
    f' stArea:h="1" stArea:unit="pixel"/></rdf:li><rdf:li {RESOURCE}><mwg-rs:Name>Rex</mwg-rs:Name>'
    "<mwg-rs:Type>Pet</mwg-rs:Type></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
)
MICROSOFT_FACES = (
    "<MP:RegionInfo><rdf:Description><MPRI:Regions><rdf:Bag><rdf:li><rdf:Description"
    ' MPReg:PersonDisplayName="Anna" MPReg:Rectangle="0.1, 0.2, 0.3, 0.4"/></rdf:li><rdf:li><rdf:Description'
    ' MPReg:PersonDisplayName="Ben" MPReg:Rectangle="0.1, x"/></rdf:li></rdf:Bag></MPRI:Regions></rdf:Description>'
    "</MP:RegionInfo>"
)


def packets() -> Iterator[bytes]:
    """XMP as the programs write it whose dialects are read."""
    yield packet(
        'xmp:Rating="4" xmp:CreateDate="2023-07-14T12:30:00" exif:DateTimeOriginal="2023-07-14T12:30:00.25+02:00"'
        ' tiff:Make="Maker" tiff:Model="Model" aux:Lens="Lens" exif:GPSLatitude="38,43.2N" exif:GPSLongitude="9,8,30W"'
        ' exif:GPSAltitude="120/10" exif:GPSAltitudeRef="1" exif:GPSTimeStamp="2023-07-14T10:30:00Z"',
        listed("Bag", "lr:hierarchicalSubject", "Places|France|Lyon", "lake")
        + listed("Bag", "dc:subject", "Lyon", "lake"),
    )
    yield packet(
        'photoshop:DateCreated="2023-07" photoshop:Headline="Headline"',
        listed("Alt", "dc:title", "A title")
        + listed("Alt", "dc:description", "A caption &amp; more")
        + listed("Seq", "digiKam:TagsList", "People/Anna", "Places/France")
        + listed("Bag", "Iptc4xmpExt:PersonInImage", "Anna", "Cleo")
        + "<xmp:Rating>-1</xmp:Rating>",
    )
    yield packet(
        'MicrosoftPhoto:Rating="75" exif:GPSLatitude="-38.7" exif:GPSLatitudeRef="S" exif:GPSLongitude="181"',
        listed("Bag", "MicrosoftPhoto:LastKeywordXMP", "Trips/2023") + MICROSOFT_FACES,
    )
    yield packet(elements=MWG_FACES)
    yield packet('GCamera:BurstID="b-1" GCamera:MotionPhoto="1" exifEX:LensModel="Lens"')
    yield packet('exif:DateTimeOriginal="2023-13-41T25:61:61+99:99" xmp:CreateDate="2023" xmp:Rating="9e99"')
    yield b"\xef\xbb\xbf<?xpacket begin='\xef\xbb\xbf'?>" + packet('xmp:Rating="5"') + b"   \n" * 8
    yield '<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16") + packet("").decode().encode("utf-16-le")
    yield b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description/></rdf:RDF>'


# --- IPTC-IIM 4.2, inside Photoshop's resource 0x0404 ---
def iptc(*fields: tuple[int, bytes]) -> bytes:
    """What follows the name of a resource: its length, then fields of the second record."""
    content = b"".join(b"\x1c\2" + bytes((number,)) + struct.pack(">H", len(text)) + text for number, text in fields)
    return struct.pack(">I", len(content)) + content


def iptcs() -> Iterator[bytes]:
    """Blocks of IPTC."""
    yield iptc(
        (5, b"Title"), (25, b"beach"), (25, b"sea"), (120, b"A caption"), (55, b"20230714"), (60, b"123000+0200")
    )
    yield iptc((55, b"20230714"), (60, b"12:30:00"), (120, "Ä".encode("latin-1")), (25, b""))
    yield iptc((55, b"00000000"), (60, b"xx")) + b"\x1c\2\x19\x80\4\0\0\1\0long"


# --- what Google's Takeout writes ---
TAKEOUT = {
    "title": "IMG.jpg",
    "description": "A caption",
    "photoTakenTime": {"timestamp": "1689330600", "formatted": "14 Jul 2023, 10:30:00 UTC"},
    "geoData": {"latitude": 38.7, "longitude": -9.1, "altitude": 12.0, "latitudeSpan": 0.0, "longitudeSpan": 0.0},
    "geoDataExif": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
    "people": [{"name": "Anna"}, {"name": "Ben"}],
    "favorited": True,
}
TAKEOUT_CHANGES: tuple[dict[str, object], ...] = (
    {},
    {"photoTakenTime": {"timestamp": -2_208_988_800}, "geoData": None},
    {"photoTakenTime": {"timestamp": "9e18"}, "geoData": {"latitude": 91, "longitude": "x"}},
    {"photoTakenTime": {"timestamp": True}, "geoData": {"latitude": [], "longitude": {}}, "people": {"name": 1}},
    {"photoTakenTime": {}, "people": [None, {"name": None}, {"name": ["Anna"]}, {"name": "Anna" * 40}]},
    {"photoTakenTime": [], "favorited": "true"},
    {"description": "\u0000\ud800 \u202e caption\n\n", "geoData": {"latitude": 0.0, "longitude": 0.0}},
    {"geoData": {"latitude": 1e308, "longitude": float("nan"), "altitude": float("inf")}, "geoDataExif": 7},
)


def takeouts() -> Iterator[bytes]:
    """Takeout's files, sound ones and odd ones."""
    for change in TAKEOUT_CHANGES:
        yield json.dumps(TAKEOUT | change).encode()
    yield b"\xef\xbb\xbf" + json.dumps(TAKEOUT).encode()
    yield json.dumps(TAKEOUT).encode("utf-16")
    yield b"[" + json.dumps(TAKEOUT).encode() + b"]"


# --- what people type ---
QUERIES = (
    "sunset over the sea last summer",
    "photos of anna with a dog in 2021",
    "between 3 may 2020 and 2021-06-07 in lisbon",
    "christmas or birthday with ben, not snow",
    "receipts from last month",
    "screenshots before:2020 after:2019-12",
    "rated 5 stars near the eiffel tower",
    "favourites taken with a Model 1 at f/2.8 iso 200",
    'text:"total 12.50" -receipt',
    "the day before yesterday evening",
    "umbrela in rian",
    "portraits of two people, landscape format",
    "camera:canon lens:50 kind:panorama",
)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Every input, with its target."""
    blocks = [EXIF + block for block in exifs()] + [XMP + block for block in packets()]
    blocks += [IPTC + block for block in iptcs()]
    yield from (("metadata", block) for block in blocks)
    tied = [EXIF + next(exifs()), XMP + next(packets()), IPTC + next(iptcs())]
    yield "metadata", BETWEEN_BLOCKS.join(tied)
    yield "metadata", BETWEEN_BLOCKS.join(tied[::-1])
    yield from (("sidecar", block) for block in packets())
    yield from (("takeout", block) for block in takeouts())
    yield from (("query", query.encode()) for query in QUERIES)


def main() -> None:
    numbers: dict[str, int] = {}
    for target, content in seeds():
        numbers[target] = numbers.get(target, 0) + 1
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        (CORPUS / target / f"seed-{numbers[target]:02}").write_bytes(content)


if __name__ == "__main__":
    main()
