"""Big TIFFs a band at a time, as `big_png` does it: a TIFF's strips are told one apart from the other.

A band is a small TIFF of some of the strips, as they lie in the file, with what its directory says of them. Where one
strip is the whole picture, and isn't compressed, its rows are told apart by their length. Tiles, planes of their own
and what is compressed as one are left to Pillow as a whole. Source: TIFF 6.0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Self

from PIL import Image, TiffImagePlugin, TiffTags

from photos_engine.ingest.big_png import WHOLE_PX

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PLANES, _PHOTOMETRIC = 256, 257, 258, 259, 284, 262
_OFFSETS, _COUNTS, _ROWS, _SAMPLES = 273, 279, 278, 277
# Photometric, order of bits, predictor, colours, further samples, their format: what strips are understood by.
_KEPT: Final = (_WIDTH, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, _SAMPLES, _PLANES, 317, 320, 338, 339)
_NOT_COMPRESSED, _CHUNKY, _YCBCR = 1, 1, 6
_MOST_ROWS: Final = 1_000_000  # what says that it has more has more pixels than anybody admits, or is a line
_CLASSIC: Final = (b"II*\0", b"MM\0*")
_MODES: Final = ("L", "LA", "P", "RGB", "RGBA", "CMYK")  # deeper grey is scaled by its whole range
_APART: Final = frozenset({_NOT_COMPRESSED, 5, 8, 32946, 32773})  # LZW, deflate twice, PackBits


@dataclass(frozen=True, slots=True)
class BigTiff:
    """A picture in strips of many pixels; `strips` are (start, end) in the file, of `rows` rows each."""

    data: bytes
    image: TiffImagePlugin.TiffImageFile  # opened, not loaded
    strips: tuple[tuple[int, int], ...]
    rows: int

    @classmethod
    def of(cls, data: bytes) -> Self | None:
        """None for a file that is to be read as a whole. Raises: what Pillow raises for a broken directory."""
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
        tags = image.tag_v2
        width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
        offsets, counts = tags.get(_OFFSETS, ()), tags.get(_COUNTS, ())
        is_plain = tags.get(_PLANES, _CHUNKY) == _CHUNKY and tags.get(_COMPRESSION) in _APART
        is_plain = is_plain and image.mode in _MODES and tags.get(_PHOTOMETRIC) != _YCBCR and data[:4] in _CLASSIC
        if not width * height > WHOLE_PX or height > _MOST_ROWS or not is_plain or len(offsets) != len(counts):
            return None
        rows = min(height, int(tags.get(_ROWS, height)))
        strips = [(int(start), int(start) + int(count)) for start, count in zip(offsets, counts, strict=True)]
        if tags.get(_COMPRESSION) == _NOT_COMPRESSED and rows > 1:
            strips, rows = list(_as_rows(strips, rows, height)), 1
        if rows < 1 or rows * width > WHOLE_PX or len(strips) != -(-height // rows):
            return None
        return cls(data, image, tuple(strips), rows)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as stored."""
        return int(self.image.tag_v2[_WIDTH]), int(self.image.tag_v2[_HEIGHT])

    def without_pixels(self) -> TiffImagePlugin.TiffImageFile:
        """The picture with all that its file says, its pixels not read; its size is the upright one's."""
        return self.image

    def bands(self, rows: int) -> Iterator[Image.Image]:
        """The picture from the top as stored, so many rows at a time. Raises: OSError where it is damaged."""
        width, height = self.size
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            first, last = top // self.rows, -(-bottom // self.rows)
            above = first * self.rows
            band = self._open(first, last, min(last * self.rows, height) - above)
            band.load()
            yield band.crop((0, top - above, width, bottom - above))

    def _open(self, first: int, last: int, height: int) -> TiffImagePlugin.TiffImageFile:
        header = self.data[:4] + (8).to_bytes(4, "little" if self.data[:2] == b"II" else "big")
        strips = [self.data[start:end] for start, end in self.strips[first:last]]
        directory = TiffImagePlugin.ImageFileDirectory_v2(header)
        for tag in _KEPT:
            if tag in self.image.tag_v2:
                directory.tagtype[tag] = self.image.tag_v2.tagtype[tag]
                directory[tag] = self.image.tag_v2[tag]
        directory[_HEIGHT], directory[_ROWS] = height, self.rows
        directory.tagtype[_COUNTS] = directory.tagtype[_OFFSETS] = TiffTags.LONG
        lengths = tuple(map(len, strips))
        directory[_COUNTS] = lengths
        directory[_OFFSETS] = tuple(accumulate(lengths[:-1], initial=0))  # Pillow adds where the directory ends
        return TiffImagePlugin.TiffImageFile(io.BytesIO(b"".join((header, directory.tobytes(8), *strips))))


def _as_rows(strips: list[tuple[int, int]], rows: int, height: int) -> Iterator[tuple[int, int]]:
    for number, (start, end) in enumerate(strips):
        count = min(rows, height - number * rows)
        length = (end - start) // count if count > 0 else 0
        yield from ((start + length * row, start + length * (row + 1)) for row in range(count))
