"""Which files may be photos: by name while scanning, by content before anything is decoded.

Only formats on this page are ever handed to a decoder. Pillow alone would try some forty, among them
ones that run Ghostscript or whose parsers nobody has attacked yet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Format(StrEnum):
    """The formats that the engine decodes, by the names that the store keeps."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    TIFF = "TIFF"
    GIF = "GIF"
    BMP = "BMP"
    HEIF = "HEIF"
    AVIF = "AVIF"
    RAW = "RAW"


# fmt: off
RAW_EXTENSIONS: Final = frozenset((
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "kdc", "mef", "mos", "mrw", "nef",
    "nrw", "orf", "pef", "ptx", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
))
IMAGE_EXTENSIONS: Final = RAW_EXTENSIONS | frozenset((
    "jpg", "jpeg", "jpe", "jfif", "jif", "mpo", "png", "apng", "webp", "tif", "tiff", "gif", "bmp", "dib",
    "heic", "heics", "heif", "heifs", "hif", "avif", "avifs",
))
# Photographs that are recognised only to be reported: silence would look like a lost picture.
UNREAD_EXTENSIONS: Final = frozenset(("jxl", "jp2", "j2k", "j2c", "jpx", "jpf", "psd", "psb"))
VIDEO_EXTENSIONS: Final = frozenset((
    "mp4", "mov", "m4v", "avi", "mkv", "webm", "3gp", "3g2", "mts", "m2ts", "mpg", "mpeg", "wmv", "flv", "mp", "insv",
    "lrv", "ogv", "vob",
))
LIVE_VIDEO_EXTENSIONS: Final = frozenset(("mov", "mp4", "mp"))
# fmt: on

SNIFF_BYTES: Final = 64

# What a photo takes, in milliseconds of a slow core: however large, and for each MB. A JPEG's size is decoded whatever
# the scale; HEIF and AVIF know no scale at all; of a RAW only the preview is decoded.
_MS_A_PHOTO: Final = 30.0
_MS_A_MB: Final = 12.0
_MS_A_MB_OF: Final = (
    dict.fromkeys(("heic", "heics", "heif", "heifs", "hif"), 450.0)
    | dict.fromkeys(("avif", "avifs"), 200.0)
    | dict.fromkeys(RAW_EXTENSIONS, 3.0)
)

_PREFIXES: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"FUJIFILMCCD-RAW", Format.RAW),
    (b"II\x1a\x00\x00\x00HEAPCCDR", Format.RAW),  # CRW
    (b"IIRO", Format.RAW),  # ORF
    (b"IIRS", Format.RAW),
    (b"MMOR", Format.RAW),
    (b"IIU\x00", Format.RAW),  # RW2
    (b"FOVb", Format.RAW),  # X3F
    (b"\x00MRM", Format.RAW),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00", Format.TIFF),  # BigTIFF
    (b"MM\x00+", Format.TIFF),
)
_HEIF_BRANDS: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"))
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))

_OTHERS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<?xml", "an XML document"),
    (b"<svg", "an SVG drawing"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a Git LFS pointer, the picture itself isn't here"),
)


def extension_of(name: str) -> str:
    """The lower-case extension without its dot; empty where what follows the last dot can't be one.

    "2023.05.14 at the beach" has none: an extension is short, has no space and starts with a letter
    or is one of the few known ones that start with a digit.
    """
    stem, dot, suffix = name.rpartition(".")
    suffix = suffix.lower()
    if not dot or not stem:
        return ""
    if suffix in IMAGE_EXTENSIONS or suffix in VIDEO_EXTENSIONS:
        return suffix
    is_plausible = len(suffix) <= 16 and suffix[:1].isalpha() and suffix.isascii() and " " not in suffix
    return suffix if is_plausible else ""


def weigh(name: str, size_bytes: int) -> float:
    """How much work a photo is, by its file's name and size: only the ratios mean something."""
    return _MS_A_PHOTO + _MS_A_MB_OF.get(extension_of(name), _MS_A_MB) * size_bytes / 1e6


def sniff_format(head: bytes) -> Format | None:
    """The format that a file's first bytes show, or None; TIFF also stands for the RAWs built on it."""
    for prefix, found in _PREFIXES:
        if head.startswith(prefix):
            return Format.RAW if found is Format.TIFF and head[8:10] == b"CR" else found
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format.WEBP
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return Format.BMP
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


def _sniff_brands(head: bytes) -> Format | None:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] == b"crx ":
        return Format.RAW  # CR3
    if any(brand in _AVIF_BRANDS for brand in brands):
        return Format.AVIF
    return Format.HEIF if any(brand in _HEIF_BRANDS for brand in brands) else None


def describe_content(head: bytes) -> str:
    """What a file seems to be that is none of the formats, for a person to read."""
    for prefix, words in _OTHERS:
        if head.startswith(prefix):
            return words
    if head[4:8] == b"ftyp":
        return "a video"
    return "no image that is known here"
