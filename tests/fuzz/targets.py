"""What is fuzzed, each a function of bytes that must not raise: `python targets.py TARGET [OPTIONS] [CORPUS]`.

Guided by coverage where atheris is installed; inputs that once failed lie in `corpus/` and are tried by every run
of the tests.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

if __name__ == "__main__":  # what is guided by coverage has to be imported under its eyes
    import atheris

    seen = ["photos_engine.ingest", "photos_engine.experiences.search"]
    seen += [f"PIL.{name}" for name in ("TiffImagePlugin", "IptcImagePlugin", "JpegImagePlugin", "MpoImagePlugin")]
    with atheris.instrument_imports(include=seen):  # Pillow's readers in Python: what leads through them to ours
        import_module("photos_engine.experiences.search" if sys.argv[1] == "query" else "photos_engine.ingest.decode")

from PIL import Image

from photos_engine.errors import UsageError
from photos_engine.ingest.embedded import embedded_in_image
from photos_engine.ingest.metadata import read_metadata
from photos_engine.ingest.takeout import read_takeout
from photos_engine.ingest.xmp import read_xmp

_LONGEST_SEGMENT = 65_533
_BETWEEN_BLOCKS = b"\n--\n"
_SEGMENTS = (
    (0xE1, b"Exif\0\0"),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    (0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0"),
    (0xE2, b"MPF\0"),
)


@cache
def _tiny_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    return buffer.getvalue()


def _segment(block: bytes) -> bytes:
    marker, start = _SEGMENTS[block[0] % len(_SEGMENTS) if block else 0]
    content = (start + block[1:])[:_LONGEST_SEGMENT]
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def read_embedded(content: bytes) -> None:
    """Blocks of metadata in a JPEG: the first byte of each says of which kind it is, the rest is what is in it."""
    plain = _tiny_jpeg()
    jpeg = plain[:2] + b"".join(map(_segment, content.split(_BETWEEN_BLOCKS))) + plain[2:]
    with warnings.catch_warnings():  # as the decoder has it: Pillow warns of what it mends
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(jpeg))
        except (OSError, ValueError, SyntaxError):  # refused before anything is read
            return
        embedded = embedded_in_image(image, jpeg)  # type: ignore[arg-type]
        read_metadata(embedded, path=Path("a.jpg"), sidecars=[], mtime_ns=0, orientation=1, default_zone=UTC)


def read_sidecar(content: bytes) -> None:
    """An XMP sidecar."""
    read_xmp(content, 1 + len(content) % 8)


def read_json(content: bytes) -> None:
    """A Takeout file."""
    read_takeout(content)


@cache
def _life() -> tuple[TemporaryDirectory[str], Any, Any]:
    from fakes.searchable import fill_with_a_life, open_library

    folder = TemporaryDirectory()
    library = open_library(Path(folder.name))
    fill_with_a_life(library)
    with library.store.read() as unit:
        return folder, library, library.sources(unit).basis.columns


def read_query(content: bytes) -> None:
    """What somebody typed."""
    from photos_engine.experiences.search import search

    _, library, columns = _life()
    with library.store.read() as unit, suppress(UsageError):
        search(content.decode("utf-8", "surrogateescape"), limit=5, sources=library.sources(unit, columns))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "metadata": read_embedded,
    "sidecar": read_sidecar,
    "takeout": read_json,
    "query": read_query,
}


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
