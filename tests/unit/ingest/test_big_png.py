"""A big PNG read in bands is the picture that Pillow would have read, in a fraction of the memory."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin
from strategies import encoded, exif_block, xmp_packet

from photos_engine.errors import DecodeError
from photos_engine.ingest import big_png, decode_photo
from photos_engine.ingest.big_png import BigPng


@pytest.fixture(autouse=True)
def small_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(big_png, "WHOLE_PX", 100)


def picture(mode: str, width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth and rough parts, so that an encoder tells rows in every way there is."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([x * (c + 1) + y * (3 - c) + rng.integers(0, 40, (height, width)) * (y % 3) for c in range(4)], -1)
    image = Image.fromarray((waves % 256).astype(np.uint8), "RGBA")
    return image.convert("RGB").quantize(31) if mode == "P" else image.convert(mode)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["L", "RGB", "RGBA", "LA", "P"]),
    st.integers(11, 90),
    st.integers(11, 90),
    st.integers(1, 95),
    st.integers(0, 9),
)
def test_bands_make_up_the_picture(mode: str, width: int, height: int, rows: int, level: int) -> None:
    image = picture(mode, width, height, seed=rows)
    big = BigPng.of(encoded(image, "PNG", compress_level=level))
    assert big is not None
    joined = Image.new("RGBA", image.size)
    top = 0
    for band in big.bands(rows):
        assert band.mode == image.mode
        joined.paste(band.convert("RGBA"), (0, top))
        top += band.height
    assert top == height
    assert np.array_equal(np.asarray(joined), np.asarray(image.convert("RGBA")))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
def test_decoding_in_bands_changes_nothing(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp_packet('xmp:Rating="4"').decode())
    exif = exif_block({0x0112: 6, 0x010F: "Maker"}, {0x9003: "2019:07:14 18:30:15"})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    more = {"transparency": 3} if mode in ("L", "P") else {}
    path.write_bytes(encoded(picture(mode, 900, 2900), "PNG", exif=exif, pnginfo=info, icc_profile=profile, **more))
    here = decode_photo(path)
    monkeypatch.setattr(big_png, "WHOLE_PX", 10**9)
    whole = decode_photo(path)
    assert np.array_equal(here.pixels, whole.pixels)
    assert here.facts == whole.facts
    assert here.facts.rating == 4
    assert (here.width_px, here.height_px, here.thumbnail) == (whole.width_px, whole.height_px, whole.thumbnail)


@pytest.mark.parametrize(
    "options", [{"mode": "1"}, {"mode": "I;16"}, {"mode": "P", "bits": 4}], ids=["bits", "deep", "half bytes"]
)
def test_what_is_not_plain_is_read_as_a_whole(options: dict[str, object]) -> None:
    mode = str(options.pop("mode"))
    image = picture("L", 50, 50).convert(mode) if mode != "P" else picture("RGB", 50, 50).quantize(9)
    assert BigPng.of(encoded(image, "PNG", **options)) is None


def test_small_and_interlaced_ones_are_read_as_a_whole() -> None:
    assert BigPng.of(encoded(picture("RGB", 10, 10), "PNG")) is None
    plain = bytearray(encoded(picture("RGB", 50, 50), "PNG"))
    plain[28] = 1  # as if interlaced
    assert BigPng.of(bytes(plain)) is None


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


@pytest.mark.parametrize("size", [1, 1_000, 10**9], ids=["bytes", "pieces", "one"])
def test_pixels_may_lie_in_chunks_of_any_size(size: int) -> None:
    image = picture("RGB", 120, 90)
    rows = b"".join(b"\0" + np.asarray(image)[row].tobytes() for row in range(90))
    packed, plain = zlib.compress(rows, 9), encoded(image, "PNG")
    parts = b"".join(chunk(b"IDAT", packed[at : at + size]) for at in range(0, len(packed), size))
    big = BigPng.of(plain[:33] + parts + chunk(b"IEND", b""))
    assert big is not None
    assert np.array_equal(np.concatenate([np.asarray(band) for band in big.bands(17)]), np.asarray(image))


def test_a_file_of_nothing_but_chunks_is_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(big_png, "_MOST_CHUNKS", 50)
    plain = encoded(picture("RGB", 120, 90), "PNG")
    assert BigPng.of(plain) is not None
    assert BigPng.of(plain[:33] + chunk(b"teSt", b"") * 60 + plain[33:]) is None


def test_damaged_ones_say_what_is_wrong(tmp_path: Path) -> None:
    plain = encoded(picture("RGB", 600, 600), "PNG")
    start = plain.index(b"IDAT") + 4
    damaged = plain[: start + 90] + bytes(40) + plain[start + 130 :]
    for content in (plain[: len(plain) // 2], plain[:start], damaged, plain[:33]):
        path = tmp_path / "a.png"
        path.write_bytes(content)
        with pytest.raises(DecodeError, match="can't be decoded"):
            decode_photo(path)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_changed_ends_as_a_picture_or_an_error(data: st.DataObject) -> None:
    content = bytearray(encoded(picture("P", 40, 40), "PNG"))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    big = BigPng.of(bytes(content[: data.draw(st.integers(8, len(content)))]))
    if big is not None and big.size[0] * big.size[1] < 10**6:
        with suppress(OSError, ValueError, SyntaxError):
            assert sum(band.height for band in big.bands(7)) == big.size[1]
