"""Bytes to an upright RGB array at working size, for every format, within limits.

A file is read once, into memory: its hash, its pixels and its metadata come from the same bytes. What
it is decides its content, not its name. Concurrency and crashes are the pool's matter (`isolation`):
here one call decodes one photo.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Final

from PIL import Image

from photos_engine.errors import DecodeError, ImageTooLarge, PhotoError, Unreadable, UnsupportedFormat
from photos_engine.ingest.formats import (
    RAW_EXTENSIONS,
    SNIFF_BYTES,
    Format,
    describe_content,
    extension_of,
    sniff_format,
)
from photos_engine.ingest.metadata import read_metadata
from photos_engine.ingest.pixels import as_array, encode_thumbnail, is_sideways, turn_upright
from photos_engine.ingest.readers import BrokenPictureError, DecodeLimits, TooLargeError, open_picture
from photos_engine.types import DecodedPhoto

NEEDS_MORE_MEMORY: Final = "decoding it needs more memory than the decoder may use"

_HASH_BYTES: Final = 16
_BLOCK_BYTES: Final = 1 << 20
# What Pillow's decoders say by number.
_PILLOW_WORDS: Final = {
    "decoder error -1": "its data overruns",
    "decoder error -2": "its data is damaged",
    "decoder error -9": "its decoder ran out of memory",
}


def decode_photo(
    path: str | os.PathLike[str],
    sidecars: Iterable[str | os.PathLike[str]] = (),
    *,
    limits: DecodeLimits | None = None,
    default_zone: tzinfo | None = None,
) -> DecodedPhoto:
    """Reads one file, once, and returns its identity, its facts and its upright pixels.

    `default_zone` is where photos that don't say are taken to be from (None: the machine's zone).

    Raises: PhotoError (Unreadable, UnsupportedFormat, ImageTooLarge, DecodeError), and nothing else.
    """
    source = os.fspath(path)
    limits = limits or DecodeLimits()
    with warnings.catch_warnings(), _translated_errors(source):
        warnings.simplefilter("ignore")
        data, mtime_ns = read_file(source, limits.max_file_bytes)
        kind = _format_of(source, data)
        picture = open_picture(data, kind, limits)
        rgb = turn_upright(picture.image, picture.orientation)
        thumbnail = encode_thumbnail(rgb)
        facts = read_metadata(
            picture.embedded,
            path=Path(source),
            sidecars=[Path(sidecar) for sidecar in sidecars],
            mtime_ns=mtime_ns,
            orientation=picture.orientation,
            default_zone=default_zone,
        )
    width, height = picture.width_px, picture.height_px
    if is_sideways(picture.orientation):
        width, height = height, width
    digest = hashlib.blake2b(data, digest_size=_HASH_BYTES).hexdigest()
    return DecodedPhoto(digest, len(data), picture.format.value, width, height, facts, as_array(rgb), thumbnail)


def read_content_hash(path: str | os.PathLike[str]) -> str:
    """The BLAKE2b-128 of a file's content, as `DecodedPhoto` has it. Raises: Unreadable."""
    source = os.fspath(path)
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    with _opened(source) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def read_file(path: str, max_bytes: int) -> tuple[bytes, int]:
    """A regular file's whole content and its time of change in nanoseconds.

    Raises: Unreadable, ImageTooLarge, DecodeError (an empty file).
    """
    with _opened(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size > max_bytes:
            raise ImageTooLarge(path, f"the file has {status.st_size:,} bytes; the limit is {max_bytes:,}")
        data = file.readall()
    if not data:
        raise DecodeError(path, "the file is empty")
    return data, status.st_mtime_ns


@contextmanager
def _opened(path: str) -> Iterator[io.FileIO]:
    """A regular file, open; every failure of the file system in its block becomes Unreadable.

    It is opened without blocking and looked at before it is read: a pipe or device that has taken a
    photo's name since the scan would otherwise hold its reader for ever.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        with io.FileIO(os.open(path, flags)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(path, "it is not a regular file")
            yield file
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unreadable(path, f"the file can't be read: {reason.lower()}") from error


def _format_of(path: str, data: bytes) -> Format:
    kind = sniff_format(data[:SNIFF_BYTES])
    if kind is None:
        if not any(data[:4096]):
            raise DecodeError(path, "the file holds only zeros: its content was lost")
        raise UnsupportedFormat(path, f"it is {describe_content(data[:SNIFF_BYTES])}")
    if kind is Format.TIFF and extension_of(os.path.basename(path)) in RAW_EXTENSIONS:  # noqa: PTH119
        return Format.RAW
    return kind


@contextmanager
def _translated_errors(path: str) -> Iterator[None]:
    """The edge to the foreign decoders: whatever they raise for a broken file becomes a PhotoError."""
    try:
        yield
    except PhotoError:
        raise
    except TooLargeError as error:
        raise ImageTooLarge(path, str(error)) from error
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(path, "it has more pixels than its decoder admits") from error
    except MemoryError as error:
        raise ImageTooLarge(path, NEEDS_MORE_MEMORY) from error
    except BrokenPictureError as error:
        raise DecodeError(path, str(error)) from error
    except Exception as error:
        raise DecodeError(path, f"it can't be decoded: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    text = _PILLOW_WORDS.get(text, text)
    return text if len(text) <= 160 else text[:157] + "..."
