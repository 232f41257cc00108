"""A big TIFF read in bands is the picture that Pillow would have read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from strategies import encoded, exif_block

from photos_engine.errors import DecodeError, PhotoError
from photos_engine.ingest import big_tiff, decode_photo
from photos_engine.ingest.big_tiff import BigTiff

ROWS = 278


@pytest.fixture(autouse=True)
def small_is_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(big_tiff, "WHOLE_PX", 3_000)


def picture(mode: str, width: int, height: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([x * (c + 1) + y * (3 - c) + rng.integers(0, 40, (height, width)) * (y % 3) for c in range(4)], -1)
    image = Image.fromarray((waves % 256).astype(np.uint8), "RGBA")
    if mode == "P":
        return image.convert("RGB").quantize(31)
    return image.convert("RGB").convert("CMYK") if mode == "CMYK" else image.convert(mode)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["L", "RGB", "RGBA", "LA", "P", "CMYK"]),
    st.sampled_from(["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]),
    st.integers(40, 90),
    st.integers(80, 120),
    st.integers(1, 130),
    st.integers(1, 30),
)
def test_bands_make_up_the_picture(mode: str, packing: str, width: int, height: int, rows: int, strip: int) -> None:
    image = picture(mode, width, height, seed=rows)
    content = encoded(image, "TIFF", compression=packing, tiffinfo={ROWS: strip})
    big = BigTiff.of(content)
    assert big is not None
    bands = [np.asarray(band.convert("RGBA")) for band in big.bands(rows)]
    assert {len(band) for band in bands[:-1]} <= {rows}
    assert np.array_equal(np.concatenate(bands), np.asarray(image.convert("RGBA")))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_decoding_in_bands_changes_nothing(
    mode: str, orientation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    exif = exif_block({0x0112: orientation, 0x010F: "Maker"}, {0x9003: "2019:07:14 18:30:15"})
    path.write_bytes(encoded(picture(mode, 700, 1100), "TIFF", compression="tiff_lzw", exif=exif))
    here = decode_photo(path)
    monkeypatch.setattr(big_tiff, "WHOLE_PX", 10**9)
    whole = decode_photo(path)
    assert (here.width_px, here.height_px) == (whole.width_px, whole.height_px)
    assert here.facts == whole.facts
    assert here.pixels.shape == whole.pixels.shape
    assert np.abs(here.pixels.astype(int) - whole.pixels.astype(int)).max() <= 1


def test_what_is_not_plain_is_read_as_a_whole() -> None:
    grey = Image.fromarray(np.arange(10_000, dtype=np.uint16).reshape(100, 100))
    for image, options in ((grey, {}), (picture("RGB", 100, 100), {"compression": "jpeg"}), (picture("L", 9, 9), {})):
        assert BigTiff.of(encoded(image, "TIFF", **options)) is None


def test_damaged_ones_say_what_is_wrong(tmp_path: Path) -> None:
    for packing in ("raw", "tiff_lzw"):
        plain = encoded(picture("RGB", 600, 600), "TIFF", compression=packing, tiffinfo={ROWS: 20})
        path = tmp_path / "a.tif"
        path.write_bytes(plain[: len(plain) // 2])
        with pytest.raises(DecodeError):
            decode_photo(path)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_changed_ends_as_a_picture_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(encoded(picture("RGB", 60, 80), "TIFF", tiffinfo={ROWS: 7}))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(4, len(content) - 1) | st.integers(4, 200))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.tif"
    path.write_bytes(bytes(content))
    with suppress(PhotoError):
        assert decode_photo(path).pixels.size
