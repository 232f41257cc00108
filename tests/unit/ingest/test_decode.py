from __future__ import annotations

import hashlib
import io
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from strategies import ORIENTATIONS, dng, encoded, exif_block, quadrants, textured

from photos_engine.errors import DecodeError, ImageTooLarge, PhotoError, Unreadable, UnsupportedFormat
from photos_engine.ingest import DecodeLimits, decode_photo, read_content_hash
from photos_engine.types import DecodedPhoto

CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
# How a camera stores the upright picture for each orientation: the inverse of what the reader must do.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def decode(tmp_path: Path, content: bytes, name: str = "a.jpg", limits: DecodeLimits | None = None) -> DecodedPhoto:
    path = tmp_path / name
    path.write_bytes(content)
    return decode_photo(path, limits=limits)


def corners(pixels: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """The colours of the four quarters' middles, rounded to full or none."""
    height, width = pixels.shape[:2]
    spots = [(height // 4, width // 4), (height // 4, width * 3 // 4)]
    spots += [(height * 3 // 4, width // 4), (height * 3 // 4, width * 3 // 4)]
    return tuple(tuple(255 if value > 127 else 0 for value in pixels[spot]) for spot in spots)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_comes_out_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = quadrants(640, 400)
    turned = STORED[orientation]
    stored = upright if turned is None else upright.transpose(turned)
    photo = decode(tmp_path, encoded(stored, kind, exif=exif_block({0x0112: orientation})), "a.bin")
    assert photo.format == kind
    assert (photo.width_px, photo.height_px) == (640, 400)
    assert photo.pixels.shape[1] > photo.pixels.shape[0]
    assert corners(photo.pixels) == CORNERS
    with Image.open(io.BytesIO(photo.thumbnail)) as thumbnail:
        assert thumbnail.size == (320, 200)
        assert corners(np.asarray(thumbnail)) == CORNERS


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("GIF", {}),
        ("BMP", {}),
        ("AVIF", {}),
    ],
)
def test_formats_by_content_whatever_the_name(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    photo = decode(tmp_path, encoded(quadrants(), kind, **options), "picture.jpg")
    assert photo.format == kind
    assert corners(photo.pixels) == CORNERS


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "PA"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF", "F": "TIFF", "I": "TIFF", "PA": "TIFF"}.get(mode, "PNG")
    if mode in ("I;16", "I", "F"):
        ramp = np.tile(np.linspace(0, 65535, 400), (300, 1))
        image = Image.fromarray(ramp.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
        low, high = 0, 255
    else:
        grey = Image.fromarray(np.tile(np.linspace(0, 255, 400), (300, 1)).astype(np.uint8))
        image = grey.convert("L").convert("LA").convert(mode) if mode == "PA" else grey.convert(mode)
        low, high = 0, 255
    pixels = decode(tmp_path, encoded(image, kind), "a.tif").pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape == (300, 400, 3)
    assert abs(int(pixels[:, 4].mean()) - low) < 12
    assert abs(int(pixels[:, -4].mean()) - high) < 12


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_deep_grey_is_scaled_by_its_own_depth(tmp_path: Path, bits: int) -> None:
    ramp = np.tile(np.linspace(0, 2**bits - 1, 300), (300, 1)).astype(np.uint16)
    pixels = decode(tmp_path, encoded(Image.fromarray(ramp), "TIFF")).pixels
    assert (pixels.min(), pixels.max()) == (0, 255)


@pytest.mark.parametrize("size", [(200, 100), (1000, 600)])
def test_alpha_lies_on_white(tmp_path: Path, size: tuple[int, int]) -> None:
    clear = Image.new("RGBA", size, (255, 0, 0, 0))
    assert (decode(tmp_path, encoded(clear, "PNG")).pixels == 255).all()
    palette = Image.new("RGB", size, (255, 0, 0)).quantize(4)
    assert (decode(tmp_path, encoded(palette, "PNG", transparency=palette.getpixel((0, 0)))).pixels == 255).all()


@given(st.integers(1, 3000), st.integers(1, 3000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_working_size(tmp_path: Path, width: int, height: int) -> None:
    photo = decode(tmp_path, encoded(Image.new("L", (width, height), 99), "PNG"))
    rows, columns, channels = photo.pixels.shape
    assert channels == 3
    assert (photo.width_px, photo.height_px) == (width, height)
    assert rows <= height
    assert columns <= width
    assert max(rows, columns) <= 4096
    if max(width, height) < 14 * min(width, height):
        assert min(rows, columns) >= min(288, width, height)
    assert abs(rows / columns - height / width) <= 0.02 * height / width + 1 / columns + 1 / rows
    assert (photo.pixels == 99).all()


def test_big_jpegs_are_decoded_at_reduced_scale(tmp_path: Path) -> None:
    assert decode(tmp_path, encoded(textured(4032, 3024))).pixels.shape == (378, 504, 3)


def test_large_pictures_shrink_in_bands_to_the_same_as_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(textured(1500, 1301), "PNG")
    whole = decode(tmp_path, content).pixels
    monkeypatch.setattr("photos_engine.ingest.pixels._BAND_PX", 20_000)
    assert (decode(tmp_path, content).pixels == whole).all()


def test_hash_is_of_the_whole_content(tmp_path: Path) -> None:
    content = encoded(quadrants()) + b"trailing bytes"
    photo = decode(tmp_path, content)
    assert photo.content_hash == hashlib.blake2b(content, digest_size=16).hexdigest()
    assert photo.content_hash == read_content_hash(tmp_path / "a.jpg")
    assert photo.size_bytes == len(content)


def test_colours_of_another_space_are_converted(tmp_path: Path) -> None:
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    plain = decode(tmp_path, encoded(Image.new("RGB", (50, 50), (200, 100, 50)), "PNG")).pixels
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tagged = decode(tmp_path, encoded(Image.new("RGB", (50, 50), (200, 100, 50)), "PNG", icc_profile=srgb)).pixels
    assert (plain == tagged).all()
    for broken in (lab_like, b"no profile at all"):
        content = encoded(Image.new("RGB", (50, 50), (200, 100, 50)), "PNG", icc_profile=broken)
        assert (decode(tmp_path, content).pixels == plain).all()


def test_a_jpeg_that_lacks_its_last_rows_is_kept_and_half_a_one_is_not(tmp_path: Path) -> None:
    content = encoded(textured(1600, 1200), quality=90)
    kept = decode(tmp_path, content[: int(len(content) * 0.97)])
    assert (kept.width_px, kept.height_px) == (1600, 1200)
    with pytest.raises(DecodeError, match=r"cut off: the last \d+% of the picture are missing"):
        decode(tmp_path, content[: len(content) // 2])


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (b"", DecodeError, "empty"),
        (bytes(5000), DecodeError, "zeros"),
        (b"%PDF-1.7 and so on", UnsupportedFormat, "a PDF document"),
        (b"8BPS\0\1", UnsupportedFormat, "Photoshop"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", UnsupportedFormat, "PostScript"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", UnsupportedFormat, "a video"),
        (b"some words", UnsupportedFormat, "no image"),
        (b"\xff\xd8\xff\xe0 not much of a JPEG", DecodeError, "can't be decoded"),
        (b"\x89PNG\r\n\x1a\n broken", DecodeError, "can't be decoded"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", DecodeError, "can't be decoded"),
        (b"II*\0\x10\0\0\0HEAPCCDR", DecodeError, "can't be decoded"),
    ],
)
def test_what_is_no_photo_says_why(tmp_path: Path, content: bytes, error: type[PhotoError], reason: str) -> None:
    with pytest.raises(error, match=reason) as caught:
        decode(tmp_path, content)
    assert caught.value.path == str(tmp_path / "a.jpg")
    assert "\n" not in caught.value.reason


def test_sizes_are_checked_before_anything_is_decoded(tmp_path: Path) -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    with pytest.raises(ImageTooLarge, match=r"400 megapixels \(20000x20000\); the limit is 250"):
        decode(tmp_path, bomb)
    with pytest.raises(ImageTooLarge, match="bytes; the limit is 1,000"):
        decode(tmp_path, encoded(textured(300, 300)), limits=DecodeLimits(max_file_bytes=1000))
    small = DecodeLimits(max_pixels=100_000)
    assert decode(tmp_path, encoded(textured(1000, 800)), limits=small).width_px == 1000
    with pytest.raises(ImageTooLarge):
        decode(tmp_path, encoded(textured(1000, 800), progressive=True), limits=small)
    with pytest.raises(ImageTooLarge):
        decode(tmp_path, encoded(textured(1000, 800), "AVIF"), limits=small)


def test_large_pictures_raise_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("JPEG", "PNG", "TIFF", "GIF"):
            assert decode(tmp_path, encoded(textured(500, 400), kind)).width_px == 500


def test_what_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jpg", tmp_path, "a\0b.jpg"):
        with pytest.raises(Unreadable):
            decode_photo(path)
        with pytest.raises(Unreadable):
            read_content_hash(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_a_pipe_in_a_photos_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(Unreadable, match="not a regular file"):
        decode_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize(("orientation", "size"), [(1, (640, 480)), (3, (640, 480)), (6, (480, 640)), (8, (480, 640))])
def test_raw_files_without_a_preview_are_developed_and_turned(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    photo = decode(tmp_path, dng(orientation=orientation), "misnamed.jpg")
    assert photo.format == "RAW"
    assert (photo.width_px, photo.height_px) == size
    assert photo.facts.camera_make == "Maker"
    rows, columns = photo.pixels.shape[:2]
    assert (columns > rows) == (size[0] > size[1])
    bright = {1: np.s_[:20], 3: np.s_[-20:], 6: np.s_[:, -20:], 8: np.s_[:, :20]}[orientation]
    dark = {1: np.s_[-20:], 3: np.s_[:20], 6: np.s_[:, :20], 8: np.s_[:, -20:]}[orientation]
    assert photo.pixels[bright].mean() > photo.pixels[dark].mean() + 60


def test_a_cut_off_raw_says_so(tmp_path: Path) -> None:
    with pytest.raises(DecodeError):
        decode(tmp_path, dng()[:3000], "a.dng")


CONTENTS = [
    encoded(textured(64, 48), kind, exif=exif_block({0x010F: "Make", 0x0112: 6}, {0x9003: "2020:01:02 03:04:05"}))
    for kind in ("JPEG", "PNG", "WEBP", "TIFF")
] + [encoded(textured(64, 48), kind) for kind in ("GIF", "BMP", "AVIF")]


@given(
    st.sampled_from(CONTENTS), st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=8)), max_size=6), st.data()
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_costs_the_photo_and_nothing_else(
    tmp_path: Path, content: bytes, wounds: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    damaged = bytearray(content)
    for place, patch in wounds:
        damaged[place % len(damaged) : place % len(damaged) + len(patch)] = patch
    damaged = damaged[: data.draw(st.integers(1, len(damaged)))] if data.draw(st.booleans()) else damaged
    limits = DecodeLimits(max_pixels=1_000_000)
    try:
        result: DecodedPhoto | PhotoError = decode(tmp_path, bytes(damaged), limits=limits)
    except PhotoError as error:
        result = error
    if isinstance(result, PhotoError):
        assert result.reason
        assert "\n" not in result.reason
    else:
        assert result.pixels.shape[2] == 3
