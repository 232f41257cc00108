"""Opening picture files by a library's settings: limits, workers, and where a time without an offset was taken."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from photos_engine.config import MEBIBYTE, Settings
from photos_engine.errors import UsageError
from photos_engine.ingest import DecodeLimits, DecodePool, DecodeRequest, describe_decoders
from photos_engine.types import Box, ByteArray, DecodedPhoto, Photo

PhotoLike = Photo | str | os.PathLike[str]


class Pictures:
    """Decodes files, each in a worker process that a hostile one may take down."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = DecodeLimits(
            max_file_bytes=settings.max_file_mb * MEBIBYTE, max_pixels=round(settings.max_megapixels * 1e6)
        )

    @property
    def decoder(self) -> str:
        """What decides whether a file can be decoded: libraries with their versions, and the limits."""
        settings = self._settings
        limits = (f"{settings.decode_timeout_s:g} s", f"{settings.decode_memory_mb} MiB", self._limits)
        return describe_decoders(*map(str, limits))

    def open_pool(self, workers: int | None = None, *, shorter_px: int | None = None) -> DecodePool:
        """Workers for many files, as many as set unless told; close it. shorter_px: to decode larger."""
        zone = self._settings.time_zone
        return DecodePool(
            workers=workers or self._settings.decode_workers,
            timeout_s=self._settings.decode_timeout_s,
            memory_limit_bytes=self._settings.decode_memory_mb * MEBIBYTE,
            limits=self._limits if shorter_px is None else replace(self._limits, shorter_px=shorter_px),
            default_zone=ZoneInfo(zone) if zone else None,
        )

    def decode(self, path: Path) -> DecodedPhoto:
        """Decode one file. Raises: PhotoError."""
        with self.open_pool(workers=1) as pool:
            return pool.decode_one(DecodeRequest(path))


def path_of(photo: PhotoLike) -> Path:
    """The path that is meant, `~` expanded; there need be no file."""
    return photo.path if isinstance(photo, Photo) else Path(os.path.expanduser(os.fspath(photo)))  # noqa: PTH111


def cut_region(pixels: ByteArray, region: Box) -> ByteArray:
    """Cut a region out of a picture, (h, w, 3), at least a pixel of it. Raises: UsageError for no region."""
    left, top, right, bottom = region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError(f"a region lies within the picture, left, top, right, bottom from 0 to 1, not {region}")
    height, width = pixels.shape[:2]
    x, y = int(left * width), int(top * height)
    return np.ascontiguousarray(pixels[y : max(y + 1, round(bottom * height)), x : max(x + 1, round(right * width))])
