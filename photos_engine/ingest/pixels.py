"""Any Pillow mode to upright 8-bit RGB at working size, in bands so that big pictures need no full copy."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageCms

from photos_engine.types import ByteArray

logger = logging.getLogger(__name__)

# The analyzer's input is 232 px; a little more leaves its own resampling something to choose from.
WORKING_SHORTER_PX: Final = 288
# Only pictures slimmer than 1:14 are held to less than `WORKING_SHORTER_PX` by this.
WORKING_LONGER_PX: Final = 4096
THUMBNAIL_PX: Final = 320
THUMBNAIL_QUALITY: Final = 80
_BAND_PX: Final = 4_000_000
_WHITES: Final = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def working_factor(width: int, height: int, shorter_px: int = WORKING_SHORTER_PX) -> int:
    """The whole factor by which a picture can shrink and still have so many pixels; 1 or more."""
    return max(1, min(width, height) // shorter_px, -(-max(width, height) // WORKING_LONGER_PX))


def as_working_rgb(image: Image.Image, shorter_px: int = WORKING_SHORTER_PX) -> Image.Image:
    """The picture as sRGB at working size, alpha laid on white; works in bands of a few megapixels."""
    image.load()
    width, height = image.size

    def cut(rows: int) -> Iterator[Image.Image]:
        for top in range(0, height, rows):
            yield image if rows >= height else image.crop((0, top, width, min(top + rows, height)))

    return join_bands(image.size, cut, image.info.get("icc_profile"), shorter_px, _grey_scale(image))


def join_bands(
    size: tuple[int, int],
    cut: Callable[[int], Iterable[Image.Image]],
    profile: object,
    shorter_px: int = WORKING_SHORTER_PX,
    scale: tuple[float, float] | None = None,
) -> Image.Image:
    """A picture at working size, as above, from its bands: `cut` gives them from the top, of so many rows each.

    size: width and height of the whole. scale: black and white of one in deep grey.
    """
    width, height = size
    factor = working_factor(width, height, shorter_px)
    rows = max(1, _BAND_PX // max(1, width * factor)) * factor
    joined: Image.Image | None = None
    top_px = 0
    for band in cut(rows):
        small = _shrink(band, factor, scale)
        if joined is None:
            joined = small if rows >= height else Image.new(small.mode, (small.width, -(-height // factor)))
        if joined is not small:
            joined.paste(small, (0, top_px))
        top_px += small.height
    assert joined is not None  # a picture has at least one row
    return _as_srgb(joined, profile)


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Undoes an EXIF orientation (1 to 8; anything else is upright already)."""
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def is_sideways(orientation: int) -> bool:
    """Whether the stored picture's width is the upright one's height."""
    return orientation in (5, 6, 7, 8)


def as_array(image: Image.Image) -> ByteArray:
    """(height, width, 3) uint8, its own memory."""
    return np.array(image, dtype=np.uint8)


def encode_thumbnail(image: Image.Image) -> bytes:
    """A small baseline JPEG of an RGB picture, longer side 320 px or the picture's own where smaller."""
    factor = THUMBNAIL_PX / max(image.size)
    if factor < 1:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        small = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    else:
        small = image.copy()
    small.info = {}  # what a file says of itself, Pillow would write into the thumbnail
    target = io.BytesIO()
    small.save(target, "JPEG", quality=THUMBNAIL_QUALITY)
    return target.getvalue()


def _shrink(image: Image.Image, factor: int, scale: tuple[float, float] | None) -> Image.Image:
    """One band in RGB, L or CMYK, made smaller by a whole factor (each pixel the mean of its box)."""
    image = _as_plain(image, scale)
    image = image.reduce(factor) if factor > 1 else image
    if image.mode != "RGBA":
        return image
    background = Image.new("RGB", image.size, (255, 255, 255))
    background.paste(image, mask=image.getchannel("A"))
    return background


def _as_plain(image: Image.Image, scale: tuple[float, float] | None) -> Image.Image:
    if image.mode in ("RGB", "L", "CMYK", "RGBA"):
        has_transparency = image.mode in ("RGB", "L") and "transparency" in image.info
        return image.convert("RGBA") if has_transparency else image
    if scale is not None:
        low, high = scale
        values = (np.asarray(image, dtype=np.float32) - low) * (255.0 / (high - low))
        return Image.fromarray(np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8))
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("LA", "La", "PA", "RGBa") or (image.mode == "P" and "transparency" in image.info):
        return image.convert("RGBA")
    return image.convert("RGB")


def _grey_scale(image: Image.Image) -> tuple[float, float] | None:
    """Which values are black and white in a grey picture of more than 8 bits; None for any other.

    Whole numbers up to 65535 are scaled by the least depth of 8 to 16 bits that holds them, since
    sensors' 10, 12 or 14 bits are often kept in 16. For all others (scientific, depth, HDR) the range is
    the picture's own; otherwise they come out black.
    """
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return None
    low, high = (float(value) for value in np.nan_to_num(np.array(image.getextrema(), dtype=np.float64)))
    if image.mode != "F" and low >= 0 and high <= 65535:
        return 0.0, next(white for white in _WHITES if high <= white)
    return (0.0, 255.0) if low >= 0 and 1 < high <= 255 else (low, max(high, low + 1e-6))


def _as_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Into sRGB by the embedded profile, where it has one that says something else.

    It is applied after shrinking, with the transform kept from photo to photo, so that it costs about
    2 ms: phones take Display P3, which looks dull when it is shown as sRGB.
    """
    if isinstance(profile, bytes) and profile and image.mode in ("RGB", "CMYK"):
        transform = _transform_to_srgb(profile, image.mode)
        converted = None if transform is None else ImageCms.applyTransform(image, transform)
        if converted is not None:
            return converted
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=8)
def _transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in (source.profile.profile_description or "").lower():
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        logger.debug("an ICC profile can't be used: %s", error)
        return None
