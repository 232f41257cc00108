"""A check finds what is damaged, mends what can be made again, and calls nothing else a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.analyzer import ColourAnalyzer
from fakes.library import TAGS
from PIL import Image
from sqlalchemy import update

from photos_engine.derived import Derived
from photos_engine.ingest import DecodeLimits, decode_photo
from photos_engine.library import Library
from photos_engine.store import Store
from photos_engine.store.tables import photo
from photos_engine.types import CheckReport, FileStamp, GeoPoint, Place
from photos_engine.upkeep import check_library, name_places, tidy_library

Check = Callable[..., CheckReport]


@pytest.fixture
def pictures(tmp_path: Path, library: Library, store: Store) -> list[Path]:
    """Three pictures, stored and analysed."""
    analyzer, paths = ColourAnalyzer(), []
    for seed in range(3):
        path = tmp_path / f"{seed}.jpg"
        fields = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(fields).resize((400, 300)).save(path)
        decoded = decode_photo(path, limits=DecodeLimits())
        library.save_thumbnail(decoded.content_hash, decoded.thumbnail)
        with store.begin() as unit:
            key, _ = unit.photos.save(str(path), decoded, None)
            unit.files.record_image(str(path), FileStamp(decoded.size_bytes, 0), key)
            unit.analyses.add(analyzer.model_name, [(key, analyzer.analyze([decoded.pixels])[0])])
            unit.touch()
        paths.append(path)
    return paths


@pytest.fixture
def check(library: Library, store: Store) -> Check:
    """Checks as a process of its own would, with nothing in memory."""
    model = ColourAnalyzer.model_name
    derived = Derived(library, store, TAGS)
    return lambda repair=False: check_library(library, store, derived, model, decode=decode_photo, repair=repair)


def kinds(report: CheckReport) -> list[str]:
    return [problem.split(":")[0] for problem in report.problems]


def test_a_new_library_is_clean(check: Check) -> None:
    assert check() == CheckReport(("database", "vector index", "graph", "thumbnails"), (), ())


@pytest.mark.usefixtures("pictures")
def test_caches_that_are_not_made_yet_or_behind_are_no_damage(check: Check, store: Store) -> None:
    assert check().is_clean
    with store.begin() as unit:
        unit.touch()
    assert check().problems == ()


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x1f\x8b\x08\x00cut"])
@pytest.mark.parametrize("part", ["vector index", "graph"])
def test_a_damaged_cache_is_found_and_made_again(check: Check, library: Library, part: str, damage: bytes) -> None:
    check()
    path = library.graph_path if part == "graph" else library.index_path(ColourAnalyzer.model_name)
    good = path.read_bytes()
    path.write_bytes(damage)
    assert kinds(check(repair=True)) == [part]
    assert check().problems == ()
    assert path.read_bytes() == good


def test_lost_and_damaged_thumbnails_are_made_again(check: Check, library: Library, pictures: list[Path]) -> None:
    first, second, _ = sorted((library.folder / "thumbnails").glob("*/*.jpg"))
    content = first.read_bytes()
    first.unlink()
    second.write_bytes(b"\0" * 100)
    found = check()
    assert not found.is_clean
    assert found.problems[0].startswith("thumbnails: 2 are missing or damaged")
    assert check(repair=True).repaired == ("thumbnails: 2 made again",)
    assert check().is_clean
    assert first.read_bytes() == content


def test_what_cannot_be_mended_stays_a_problem(check: Check, library: Library, pictures: list[Path]) -> None:
    for thumbnail in (library.folder / "thumbnails").glob("*/*.jpg"):
        thumbnail.unlink()
    pictures[0].unlink()
    report = check(repair=True)
    assert not report.is_clean
    assert report.repaired == ("thumbnails: 2 made again",)
    assert str(pictures[0]) in report.problems[-1]


def test_litter_is_mentioned_and_swept_up(check: Check, library: Library, pictures: list[Path]) -> None:
    litter = [
        library.thumbnail_path("0" * 32),
        library.thumbnail_path("f" * 32).with_name(".unfinished.jpg.x1y2"),
    ]
    for path in litter:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff")
    found = check()
    assert found.is_clean
    assert found.checked[-1] == "thumbnails (2 left over)"
    assert check(repair=True).is_clean
    assert not any(path.exists() for path in litter)
    assert len(list((library.folder / "thumbnails").glob("*/*.jpg"))) == len(pictures)


def test_a_damaged_database_is_a_problem_that_nothing_repairs(check: Check, store: Store, pictures: list[Path]) -> None:
    with store.read():
        pass
    store._engine.dispose()
    content = bytearray(store.database.read_bytes())
    for page in range(8192, len(content), 4096):
        content[page : page + 64] = b"\xff" * 64
    store.database.write_bytes(content)
    for extra in ("-wal", "-shm"):
        store.database.with_name(store.database.name + extra).unlink(missing_ok=True)
    report = check(repair=True)
    assert not report.is_clean
    assert set(kinds(report)) == {"database"}
    assert report.checked == ("database",)


def test_places_are_named_that_had_no_name(store: Store, pictures: list[Path]) -> None:
    """As after an upgrade that brought a gazetteer which knows more."""
    lisbon = Place("Lisbon", "Lisbon", "Portugal", "PT", 38.72, -9.14, 2267057)
    porto = Place("Porto", "Porto District", "Portugal", "PT", 41.15, -8.61, 2735943)

    class Known:
        def locate(self, point: GeoPoint) -> Place | None:
            return lisbon if point.latitude > 0 else None

        def find_all(self, geoname_ids: Sequence[int]) -> dict[int, Place]:
            return {porto.geoname_id: porto} if porto.geoname_id in geoname_ids else {}

    with store.begin() as unit:
        for key, latitude in ((1, 38.7), (2, -60.0)):
            unit._connection.execute(update(photo).where(photo.c.id == key).values(latitude=latitude, longitude=-9.1))
        unit.photos.put(3, replace(porto, region=""))
        before = unit.revision
    assert name_places(store, Known()) == 2  # type: ignore[arg-type]
    with store.read() as unit:
        found = unit.photos.by_keys([1, 2, 3])
        assert [found[key].place for key in (1, 2, 3)] == [lisbon, None, porto]
        assert unit.photos.search_words("lisbon") == [1]
        assert unit.photos.search_words("district") == [3]
        assert unit.revision > before
    assert name_places(store, Known()) == 0  # type: ignore[arg-type]


def test_tidying_sweeps_up_litter_and_frees_space(library: Library, store: Store, pictures: list[Path]) -> None:
    litter = library.thumbnail_path("0" * 32)
    litter.parent.mkdir(parents=True, exist_ok=True)
    litter.write_bytes(b"\xff\xd8\xff")
    index = Derived(library, store, TAGS).prepare_search(ColourAnalyzer.model_name)
    assert tidy_library(library, store, index) == {"photos": 3, "swept": 1, "bytes_freed": 0}
    assert len(list((library.folder / "thumbnails").glob("*/*.jpg"))) == len(pictures)
    with store.begin() as unit:
        unit.set_setting("ballast", "x" * 3_000_000)
    with store.begin() as unit:
        unit.set_setting("ballast", "")
    assert store.unused_share() > 0.3
    assert tidy_library(library, store, index)["bytes_freed"] > 1_000_000
    assert store.unused_share() < 0.1
    assert store.check() == []
