"""One reader per format: from a file's bytes to a picture at working size and its embedded metadata.

The decoders' classes are called directly, never `Image.open`: nothing depends on Pillow's global list of
plugins or its global limits, which belong to the program that embeds the engine. Every size is checked
from the header, before a pixel is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from photos_engine.ingest.big_png import BigPng
from photos_engine.ingest.big_tiff import BigTiff
from photos_engine.ingest.embedded import Embedded, embedded_in_heif, embedded_in_image, embedded_in_raw
from photos_engine.ingest.formats import Format
from photos_engine.ingest.pixels import WORKING_SHORTER_PX, as_working_rgb, join_bands, working_factor

_ORIENTATION: Final = 0x0112
_DNG_VERSION: Final = 50706
_COPIES: Final = {Format.HEIF: 1.5, Format.WEBP: 4.0}
_SHARED_BYTES: Final = 150_000_000  # 37 megapixels in colour
_NOT_HELD: Final = "L"  # as if of a byte a pixel: only the number of pixels counts
# A JPEG that lacks no more than this share of its rows is still the person's photo.
_TOLERATED_LOSS: Final = 0.1
_END_OF_IMAGE: Final = b"\xff\xd9"
# LibRaw's `flip` as the EXIF orientation that says the same.
_RAW_ORIENTATION: Final = {0: 1, 3: 3, 5: 8, 6: 6}

_PILLOW_READERS: Final[dict[Format, type[ImageFile.ImageFile]]] = {
    Format.PNG: PngImagePlugin.PngImageFile,
    Format.WEBP: WebPImagePlugin.WebPImageFile,
    Format.TIFF: TiffImagePlugin.TiffImageFile,
    Format.GIF: GifImagePlugin.GifImageFile,
    Format.BMP: BmpImagePlugin.BmpImageFile,
    Format.AVIF: AvifImagePlugin.AvifImageFile,
}


class BrokenPictureError(Exception):
    """The content is broken; the message says how, for a person."""


class TooLargeError(Exception):
    """The picture is beyond the limits; the message says by how much."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one photo may cost. A JPEG counts at the reduced size at which it is decoded.

    `max_decoded_bytes` is what bounds memory: Pillow keeps four bytes for a pixel in colour and one in grey, so
    that the default admits 97 megapixels in colour, of HEIF and WebP less. Big PNGs and TIFFs are read in bands.
    `shorter_px` is what a picture's shorter side has at least where it is made smaller.
    """

    max_file_bytes: int = 512 * 2**20
    max_pixels: int = 250_000_000
    max_decoded_bytes: int = 390_000_000
    shorter_px: int = WORKING_SHORTER_PX

    def among_others(self) -> DecodeLimits:
        """What a photo may cost while others are decoded beside it."""
        return replace(
            self,
            max_file_bytes=min(self.max_file_bytes, _SHARED_BYTES),
            max_decoded_bytes=min(self.max_decoded_bytes, _SHARED_BYTES),
        )

    def check(self, width: int, height: int, mode: str, copies: float = 1.0) -> None:
        """Raises TooLargeError for a picture that has to be decoded whole and is too big for that.

        copies: of the picture that its decoder holds at once.
        """
        pixels = width * height
        depth = copies * (1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4)
        if pixels > self.max_pixels or pixels * depth > self.max_decoded_bytes:
            admitted = min(self.max_pixels, self.max_decoded_bytes // depth) / 1e6
            raise TooLargeError(
                f"it has {pixels / 1e6:,.0f} megapixels ({width}x{height}); the limit is {admitted:,.0f}"
            )


@dataclass(frozen=True, slots=True)
class Picture:
    """What a reader hands over: sRGB at working size, as stored and so perhaps lying on its side."""

    format: Format
    image: Image.Image
    width_px: int  # of the original, as stored
    height_px: int
    orientation: int  # EXIF's, 1 to 8
    embedded: Embedded


def open_picture(data: bytes, kind: Format, limits: DecodeLimits) -> Picture:
    """Decodes a file of the given format.

    Raises: TooLargeError, BrokenPictureError, and whatever the foreign decoder raises for broken content.
    """
    if kind is Format.JPEG:
        return _read_jpeg(data, limits)
    if kind is Format.HEIF:
        return _read_heif(data, limits)
    if kind is Format.RAW or (kind is Format.TIFF and _is_dng(data)):
        return _read_raw(data, limits)
    big = BigPng.of(data) if kind is Format.PNG else BigTiff.of(data) if kind is Format.TIFF else None
    if big is not None:
        return _read_big(kind, big, limits)
    image = _PILLOW_READERS[kind](io.BytesIO(data))
    limits.check(image.width, image.height, image.mode, _COPIES.get(kind, 1.0))
    # Pillow turns a TIFF upright while loading: look at its tags afterwards
    working = as_working_rgb(image, limits.shorter_px)
    return Picture(kind, working, image.width, image.height, _orientation_of(image), embedded_in_image(image, data))


def _read_big(kind: Format, big: BigPng | BigTiff, limits: DecodeLimits) -> Picture:
    limits.check(*big.size, _NOT_HELD)
    header = big.without_pixels()
    working = join_bands(big.size, big.bands, header.info.get("icc_profile"), limits.shorter_px)
    return Picture(kind, working, *big.size, _orientation_of(header), embedded_in_image(header, big.data))


def _is_dng(data: bytes) -> bool:
    """Whether a TIFF's first directory says that it is a digital negative, whatever the file's name."""
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return False
    directory = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
    file = io.BytesIO(data)
    file.seek(directory.next)
    directory.load(file)
    return _DNG_VERSION in directory


def _read_jpeg(data: bytes, limits: DecodeLimits) -> Picture:
    image = _open_jpeg(data, limits)
    width, height = image.size
    _draft(image, limits.shorter_px)
    loss = 0.0
    try:
        working = as_working_rgb(image, limits.shorter_px)
    except OSError:
        # Cut off: an end-of-image marker in its place makes libjpeg give what there is, the rest grey.
        image = _open_jpeg(data + _END_OF_IMAGE, limits)
        _draft(image, limits.shorter_px)
        working = as_working_rgb(image, limits.shorter_px)
        loss = _empty_share(working)
    if loss > _TOLERATED_LOSS:
        raise BrokenPictureError(f"the file is cut off: the last {loss:.0%} of the picture are missing")
    return Picture(Format.JPEG, working, width, height, _orientation_of(image), embedded_in_image(image, data))


def _open_jpeg(data: bytes, limits: DecodeLimits) -> JpegImagePlugin.JpegImageFile:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    if "progressive" in image.info:  # its coefficients are kept whole, whatever the scale
        limits.check(image.width, image.height, image.mode)
    return image


def _draft(image: JpegImagePlugin.JpegImageFile, shorter_px: int) -> None:
    """Makes libjpeg decode at 1/2, 1/4 or 1/8, as far as the working size allows."""
    factor = working_factor(*image.size, shorter_px)
    image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))


def _empty_share(image: Image.Image) -> float:
    """The share of rows at the bottom that are one even colour: what a cut-off JPEG lacks."""
    pixels = np.asarray(image, dtype=np.int16)
    is_even = (np.abs(pixels - pixels[-1, -1]).max(axis=(1, 2)) <= 2)[::-1]
    rows = len(is_even) if is_even.all() else int(np.argmin(is_even))
    return rows / len(is_even)


def _read_heif(data: bytes, limits: DecodeLimits) -> Picture:
    import pi_heif  # libheif is loaded by those who have such files

    container = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    if not len(container):
        raise BrokenPictureError("it holds no picture")
    primary = container[container.primary_index]
    width, height = primary.size
    limits.check(width, height, "RGB", _COPIES[Format.HEIF])
    primary.load()
    # libheif has turned it upright already; its EXIF orientation is a leftover.
    width, height = primary.size
    pixels, stride, mode = memoryview(primary.data), primary.stride, primary.mode

    def cut(rows: int) -> Iterator[Image.Image]:  # without another copy of the whole
        for top in range(0, height, rows):
            size = width, min(rows, height - top)
            yield Image.frombytes(mode, size, pixels[top * stride : (top + size[1]) * stride], "raw", mode, stride)

    working = join_bands(primary.size, cut, primary.info.get("icc_profile"), limits.shorter_px)
    return Picture(Format.HEIF, working, width, height, 1, embedded_in_heif(primary.info, data))


def _read_raw(data: bytes, limits: DecodeLimits) -> Picture:
    """A RAW by its embedded preview, as the camera developed it; developed here only where it has none."""
    import rawpy  # LibRaw is loaded by those who have such files

    try:
        raw = rawpy.imread(io.BytesIO(data))
    except rawpy.LibRawError as error:
        raise BrokenPictureError(f"LibRaw can't read it: {_words_of(error)}") from error
    with raw:
        width, height = raw.sizes.width, raw.sizes.height
        orientation = _RAW_ORIENTATION.get(raw.sizes.flip, 1)
        image = _preview_of(raw)
        if image is None or min(image.size) < min(WORKING_SHORTER_PX, width, height):
            limits.check(width, height, "RGB")
            try:
                image = Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True, user_flip=0))
            except rawpy.LibRawError as error:
                if image is None:
                    raise BrokenPictureError(
                        f"it has no preview and LibRaw can't develop it: {_words_of(error)}"
                    ) from error
    embedded = embedded_in_raw(image, data)
    if (image.width > image.height) != (width > height) and orientation in (6, 8):
        orientation, width, height = 1, height, width  # the camera turned its preview upright
    return Picture(Format.RAW, as_working_rgb(image, limits.shorter_px), width, height, orientation, embedded)


def _preview_of(raw: object) -> Image.Image | None:
    import rawpy

    assert isinstance(raw, rawpy.RawPy)
    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format is rawpy.ThumbFormat.BITMAP:
        return Image.fromarray(np.asarray(preview.data))
    if preview.format is not rawpy.ThumbFormat.JPEG:
        return None
    try:
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(bytes(preview.data)))
        _draft(image, WORKING_SHORTER_PX)
        image.load()
    except (OSError, SyntaxError, ValueError):
        return None
    return image


def _words_of(error: Exception) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _orientation_of(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # any error that Pillow's EXIF parser meets in a broken block: as if it had none
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
