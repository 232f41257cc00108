"""Every file of the hostile and the odd collections ends as a photo or as a reason, and nothing else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photos_engine.errors import PhotoError
from photos_engine.ingest import DecodePool, DecodeRequest, scan
from photos_engine.types import DecodedPhoto

GIGABYTE = 10**9
CRASHES = ("crashed", "took longer")


class MemoryWatch:
    """The peak of what this process's children have resident together, beside what it has grown itself."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._base = _resident(os.getpid())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.01):
            children = [int(pid) for task in Path("/proc/self/task").glob("*/children") for pid in _read(task).split()]
            total = _resident(os.getpid()) - self._base + sum(map(_resident, children))
            self.peak_bytes = max(self.peak_bytes, total)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _resident(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(2, timeout_s=30) as pool:
        yield pool


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize("folder", ["hostile", "fixtures"])
def test_every_file_ends_as_a_photo_or_a_reason(corpus: Path, pool: DecodePool, folder: str) -> None:
    files = [path for path in (corpus / folder).rglob("*") if path.is_file()]
    started = time.monotonic()
    with MemoryWatch() as memory:
        results = dict(pool.decode(DecodeRequest(path) for path in files))
    assert len(results) == len(files) > 600
    for request, result in results.items():
        if isinstance(result, PhotoError):
            assert result.path == str(request.path)
            assert 5 < len(result.reason) < 250
            assert "\n" not in result.reason
            assert not any(word in result.reason for word in CRASHES)
        else:
            assert min(result.pixels.shape[:2]) >= min(1, result.width_px, result.height_px)
            assert len(result.thumbnail) > 100
    assert memory.peak_bytes < GIGABYTE
    assert time.monotonic() - started < 180


@pytest.mark.corpus
@pytest.mark.slow
def test_most_of_the_odd_collection_decodes(corpus: Path, pool: DecodePool) -> None:
    found = scan([corpus / "fixtures"], {})
    assert not found.problems
    results = list(pool.decode(DecodeRequest(photo.path, photo.sidecars) for photo in found.photos))
    decoded = [result for _, result in results if isinstance(result, DecodedPhoto)]
    assert len(decoded) > 370  # of 407; the rest are empty, cut off, or RAWs without their pixels
    dated = [photo for photo in decoded if photo.facts.date_source.is_certain]
    assert len(dated) >= 201  # 127 by EXIF, as ExifRead confirms; others by GPS time, XMP, IPTC, Takeout


@pytest.mark.corpus
def test_pictures_of_known_orientation_come_out_alike(corpus: Path, pool: DecodePool) -> None:
    """The same scene, stored eight ways: upright, the eight differ only by their printed number."""
    folder = corpus / "fixtures" / "exif_samples" / "jpg" / "orientation"
    for kind in ("landscape", "portrait"):
        requests = [DecodeRequest(folder / f"{kind}_{number}.jpg") for number in range(1, 9)]
        photos = dict(pool.decode(requests))
        first = photos[requests[0]]
        assert isinstance(first, DecodedPhoto)
        for photo in photos.values():
            assert isinstance(photo, DecodedPhoto)
            assert photo.pixels.shape == first.pixels.shape
            assert abs(photo.pixels.astype(int) - first.pixels.astype(int)).mean() < 6


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "offset_h"),
    [("Auckland", 12), ("Montevideo", -3), ("Kathmandu", 5.75), ("London", 1), ("Tokyo", 9), ("NewYork", -4)],
)
def test_zones_around_the_world(corpus: Path, pool: DecodePool, name: str, offset_h: float) -> None:
    """Photos of one minute, taken with clocks on local time; their names give the minute in UTC."""
    (path,) = (corpus / "fixtures" / "pigallery2").rglob(f"UTC-*-{name}.jpg")
    taken = pool.decode_one(DecodeRequest(path)).facts.taken
    offset = taken.utcoffset()
    assert offset is not None
    assert offset.total_seconds() / 3600 == offset_h
    assert f"{taken - offset:%H%M}" == path.name.split("-")[2][:4]
