"""Big PNGs a band at a time: Pillow holds a picture whole, four bytes a pixel, of which a few hundred are wanted.

A band is written as a small PNG of its own, uncompressed, and read by Pillow like any other. A row of a PNG may be
told as its difference to the row above, so each band begins with the last row of the band before, which is known
by then, and loses it again. What isn't plain (interlaced, 16 bits, parts of bytes) is left to Pillow as a whole.
Source: PNG specification, third edition.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Self

from PIL import Image, PngImagePlugin

WHOLE_PX: Final = 16_000_000  # up to which a picture is held whole: 64 MB
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by type of colour
_NEEDED: Final = (b"PLTE", b"tRNS")  # to understand rows
_HEADER: Final = struct.Struct(">IIBBBBB")
_PIECE_BYTES: Final = 2**16
_UNPACKED_BYTES: Final = 2**20
_MOST_CHUNKS: Final = 200_000  # of a few kilobytes each; a file that is nothing but chunks has more


@dataclass(frozen=True, slots=True)
class BigPng:
    """A plain PNG of many pixels, by its chunks; the file's bytes are held once."""

    data: bytes
    header: tuple[int, ...]
    chunks: tuple[tuple[bytes, int, int], ...]  # name, start and end of each, in their order

    @classmethod
    def of(cls, data: bytes) -> Self | None:
        """None for a file that is to be read as a whole; whether it is sound will show."""
        chunks = list(islice(_chunks(data), _MOST_CHUNKS + 1))
        name, start, end = chunks[0] if chunks else (b"", 0, 0)
        if name != b"IHDR" or end - start != _HEADER.size or len(chunks) > _MOST_CHUNKS:
            return None
        header = _HEADER.unpack_from(data, start)
        width, height, bits, colour, *rest = header
        if width * height <= WHOLE_PX or bits != 8 or colour not in _CHANNELS or any(rest):
            return None
        return cls(data, header, tuple(chunks))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as stored."""
        return self.header[0], self.header[1]

    def without_pixels(self) -> PngImagePlugin.PngImageFile:
        """The picture with all that its file says, cut down to one black row."""
        chunks = [self._chunk(place) for place in self.chunks[1:] if place[0] not in (b"IDAT", b"IEND")]
        header = self._open(chunks, bytes(self._row_bytes), 1)
        header.load()  # what stands behind the pixels is read with them
        return header

    def bands(self, rows: int) -> Iterator[Image.Image]:
        """The picture from the top, so many rows at a time. Raises: OSError where it is cut off or damaged."""
        needed = [self._chunk(place) for place in self.chunks if place[0] in _NEEDED]
        told, held, above = self._inflate(), bytearray(), b""
        for top in range(0, self.size[1], rows):
            height = min(rows, self.size[1] - top)
            while len(held) < height * self._row_bytes:
                held += next(told)
            content = bytes(memoryview(held)[: height * self._row_bytes])
            del held[: len(content)]
            band: Image.Image = self._open(needed, above + content, height + bool(above))
            band.load()
            if above:
                band = band.crop((0, 1, band.width, band.height))
            above = b"\0" + band.crop((0, height - 1, band.width, height)).tobytes()
            yield band

    @property
    def _row_bytes(self) -> int:
        """Of one row, with the byte before it that says how it is told."""
        return 1 + self.header[0] * _CHANNELS[self.header[3]]

    def _chunk(self, place: tuple[bytes, int, int]) -> tuple[bytes, bytes]:
        name, start, end = place
        return name, self.data[start:end]

    def _inflate(self) -> Iterator[bytes]:
        unpacker = zlib.decompressobj()
        try:
            for start, end in (place[1:] for place in self.chunks if place[0] == b"IDAT"):
                for at in range(start, end, _PIECE_BYTES):  # what isn't consumed is copied: so little at a time
                    packed = self.data[at : min(at + _PIECE_BYTES, end)]
                    while packed and not unpacker.eof:
                        yield unpacker.decompress(packed, _UNPACKED_BYTES)
                        packed = unpacker.unconsumed_tail
        except zlib.error as error:
            raise OSError(f"its data is damaged: {error}") from error
        raise OSError("image file is truncated")  # as Pillow says it

    def _open(self, chunks: list[tuple[bytes, bytes]], rows: bytes, count: int) -> PngImagePlugin.PngImageFile:
        width, _, *rest = self.header
        header = b"IHDR", _HEADER.pack(width, count, *rest)
        written = (header, *chunks, (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
        file = b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))
            for name, body in written
        )
        return PngImagePlugin.PngImageFile(io.BytesIO(_SIGNATURE + file))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, at + 8, min(at + 8 + length, len(data))
        at += 12 + length
