"""Every file of the hostile and the odd collections ends as a photo or as a reason, and nothing else."""

from __future__ import annotations

import io
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from photos_engine.errors import PhotoError
from photos_engine.ingest import Change, DecodePool, DecodeRequest, scan
from photos_engine.types import DecodedPhoto, FileStamp

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


# --- made here ---


def as_side(pixels: int) -> bytes:
    """A JPEG that says it is so many pixels wide and high."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG")
    content = bytearray(buffer.getvalue())
    start = content.index(b"\xff\xc0")
    content[start + 5 : start + 9] = pixels.to_bytes(2, "big") * 2
    return bytes(content)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def with_text_bomb(megabytes: int) -> bytes:
    """A PNG whose comment unpacks to so much."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "PNG")
    content = buffer.getvalue()
    packer = zlib.compressobj(1)
    text = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    return content[:33] + png_chunk(b"zTXt", b"Comment\0\0" + text) + content[33:]


def saved(kind: str, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, 128).save(buffer, kind)
    return buffer.getvalue()


def big_png(width: int, height: int) -> bytes:
    """A black picture in colour, written without ever being held."""
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(height)) + packer.flush()
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: as_side(65_535), "can't be decoded"),
        (lambda: saved("JPEG", (65_500, 2)), None),
        (lambda: saved("PNG", (65_535, 1)), None),
        (lambda: saved("PNG", (1, 65_535)), None),
        (lambda: big_png(12_000, 10_000), None),
        (lambda: big_png(60_000, 10_000), "600 megapixels"),
        (lambda: with_text_bomb(128), "too large"),
        (lambda: with_text_bomb(128)[:-30], "too large"),
    ],
    ids=["says 65,535 a side", "wide", "wider", "high", "big", "too big", "text bomb", "cut text bomb"],
)
def test_bombs_and_extreme_sides_cost_little(
    tmp_path: Path, pool: DecodePool, content: Callable[[], bytes], reason: str | None
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content())
    with MemoryWatch() as memory:
        ((_, result),) = pool.decode([DecodeRequest(path)])
    if reason is None:
        assert isinstance(result, DecodedPhoto), result
        assert max(result.pixels.shape) < 65_535
    else:
        assert isinstance(result, PhotoError)
        assert reason in result.reason
        assert not any(word in result.reason for word in CRASHES)
    assert memory.peak_bytes < GIGABYTE / 2


@pytest.mark.parametrize(
    "sidecar",
    [
        b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">'
        + b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 50) for c in range(98, 112)) + b"]><x>&o;</x>",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>',
        b"<x>" * 200_000,
        b"\xff\xfe" * 1_000_000,
    ],
    ids=["entities", "file", "depth", "rubbish"],
)  # fmt: skip
def test_a_hostile_sidecar_costs_what_it_says(tmp_path: Path, pool: DecodePool, sidecar: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(saved("JPEG", (640, 480)))
    path.with_suffix(".xmp").write_bytes(sidecar)
    photo = pool.decode_one(DecodeRequest(path, (path.with_suffix(".xmp"),)))
    assert photo.facts.caption is None


@pytest.mark.skipif(os.name != "posix", reason="POSIX links")
def test_links_to_themselves_and_folders_without_end(tmp_path: Path) -> None:
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    (tmp_path / "one.jpg").symlink_to("two.jpg")
    (tmp_path / "two.jpg").symlink_to("one.jpg")
    folder = tmp_path
    for _ in range(60):
        folder /= "deep" * 10
        folder.mkdir()
    (folder / "a.jpg").write_bytes(saved("JPEG", (64, 48)))
    found = scan([tmp_path], {})
    assert [photo.path.name for photo in found.photos] == ["a.jpg"]
    assert len(found.problems) == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_folders_and_files_without_permission_are_problems(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "a.jpg").write_bytes(saved("JPEG", (64, 48)))
    closed.chmod(0)
    try:
        found = scan([tmp_path], {str(closed / "a.jpg"): FileStamp(1, 1)})
    finally:
        closed.chmod(0o700)
    assert found.gone == ()
    assert [problem.path for problem in found.problems] == [str(closed)]


@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_many_tiny_files_are_all_seen_and_known_again(tmp_path: Path, count: int) -> None:
    for number in range(count):
        if number % 5_000 == 0:
            folder = tmp_path / str(number)
            folder.mkdir()
        descriptor = os.open(folder / f"{number}.jpg", os.O_CREAT | os.O_WRONLY)
        os.close(descriptor)
    found = scan([tmp_path], {})
    known = {str(photo.path): photo.stamp for photo in found.photos}
    again = scan([tmp_path], known)
    assert len(again.photos) == count
    assert all(photo.change is Change.UNCHANGED for photo in again.photos)
